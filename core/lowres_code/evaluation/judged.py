"""From a completion to its record: judged, analysed, and told what the next turn is to hear."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from lowres_code._util.files import write_records
from lowres_code.evaluation.folder import EvaluationFolder
from lowres_code.evaluation.record import SampleRecord, TurnRecord
from lowres_code.judge import Judge
from lowres_code.judgement import INFRA_ERROR, Judgement
from lowres_code.problem import Problem
from lowres_code.recipe.schema import Recipe
from lowres_code.recipe.stages import RolloutTable
from lowres_code.solutions import count_answers
from lowres_code.trust import Trust, trust_of


def judged_record(
    problem: Problem, judgement: Judgement, rollout: RolloutTable, earlier: tuple[TurnRecord, ...], **sampled: object
) -> SampleRecord:
    """The record of one turn; it has ``feedback`` if another is to follow."""
    more: dict[str, object] = {"earlier": earlier} if earlier else {}
    told = rollout.told().message(judgement, problem) if len(earlier) + 1 < rollout.turns else None
    more |= {"feedback": told} if told else {}
    return SampleRecord.of(problem, judgement, **sampled, **more, **_trust(problem, judgement))


def _trust(problem: Problem, judgement: Judgement) -> dict[str, Trust]:
    found = trust_of(judgement, problem)
    return {"trust": found} if found else {}


def examined(judge: Judge, texts: Sequence[str], problems: Sequence[Problem], every_test: bool) -> list[Judgement]:
    """The judgements, each with an analysis and a right one's answers counted; that this fails changes no verdict."""
    judgements = judge.judge(texts, problems, every_test)
    if judge.language.enumerates:
        judgements = count_answers(judge, judgements, problems)
    if not judge.language.analyses:
        return judgements
    found = judge.analyse(judgements)
    return [replace(one, analysis=other.analysis) for one, other in zip(judgements, found, strict=True)]


def judge_again(folder: EvaluationFolder, problems: Sequence[Problem], judge: Judge, recipe: Recipe) -> list[Judgement]:
    """Judge the samples again that the judge itself has failed on before; what the model wrote is there."""
    records, known = folder.samples(), {problem.id: problem for problem in problems}
    failed = [place for place, record in enumerate(records) if record.verdict == INFRA_ERROR]
    if not failed:
        return []
    asked = [known[records[place].problem] for place in failed]
    completions = [records[place].completion for place in failed]
    judgements = examined(judge, completions, asked, recipe.eval.fraction)
    for place, problem, judgement in zip(failed, asked, judgements, strict=True):
        before = records[place]
        sampled = before.model_dump(include={"sample", "greedy", "tokens", "cut", "seconds"})
        records[place] = judged_record(problem, judgement, recipe.rollout, before.earlier, **sampled)
    going = {place for place in failed if records[place].feedback}
    if going:  # first there, then not here: of a stop between the two nothing is lost
        folder.unfinished_appender().append(*(records[place].as_json() for place in sorted(going)))
    kept = (record for place, record in enumerate(records) if place not in going)
    write_records(folder.path / "samples.jsonl", [record.as_json() for record in kept])
    return judgements
