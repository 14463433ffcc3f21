"""Trust metrics for the evaluations of a run that was made without them, or without ``eval.metamorphic``.

``python -m tests.benchmarks.trust RUN`` judges what the model wrote once more, without sampling anything, says where a
verdict differs (there should be none), and writes what was found into the samples and the summaries of ``RUN/eval``.
"""

from __future__ import annotations

import sys
from pathlib import Path

from lowres_code import find_language
from lowres_code._util.files import write_records
from lowres_code.evaluation.changes import change_right_programs
from lowres_code.evaluation.folder import EvaluationFolder
from lowres_code.judge import Judge
from lowres_code.problem import Problem
from lowres_code.recipe.build import load_problems, other_problems
from lowres_code.runs.loaded import Run, load_run
from lowres_code.solutions import count_answers
from lowres_code.trust import trust_of


def complete(run: Run, name: str, judge: Judge) -> str:
    """Complete one evaluation; what it came to."""
    folder = EvaluationFolder(run.evaluations[name].path)
    problems = load_problems(run.recipe.data.eval, "eval")
    known = {problem.id: problem for problem in problems}
    assert {it.id: it.question for it in folder.problems()} == {it.id: it.question for it in problems}
    differ = judge_again(folder, known, judge)
    change_right_programs(folder, problems, judge, other_problems(run.recipe.data.eval), lambda _: None)
    summary = folder.summarize()
    trust = summary.all.trust if summary.all else None
    return f"{name}: {differ} verdicts differ; {trust.model_dump() if trust else None}"


def judge_again(folder: EvaluationFolder, known: dict[str, Problem], judge: Judge) -> int:
    """Write what each program is beside its verdict; how many verdicts are others now."""
    records = folder.samples()
    problems = [known[record.problem] for record in records]
    judgements = judge.analyse(judge.judge([record.completion for record in records], problems))
    found = count_answers(judge, judgements, problems) if judge.language.enumerates else judgements
    told = [trust_of(judgement, problem) for judgement, problem in zip(found, problems, strict=True)]
    pairs = zip(records, told, strict=True)
    written = [record.model_copy(update={"trust": trust}) if trust else record for record, trust in pairs]
    write_records(folder.path / "samples.jsonl", [record.as_json() for record in written])
    return sum(record.verdict != judgement.verdict for record, judgement in zip(records, judgements, strict=True))


if __name__ == "__main__":
    here = load_run(Path(sys.argv[1]))
    limits = here.recipe.limits
    with Judge(find_language(str(here.env["language"])), limits.limits(), limits.isolation) as opened:
        for stage in here.evaluations:
            print(complete(here, stage, opened), flush=True)
