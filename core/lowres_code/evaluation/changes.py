"""The metamorphic checks of an evaluation: its right programs are changed, and run again; nothing is sampled."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

from lowres_code._util.files import write_records
from lowres_code.completion import parse_completion
from lowres_code.evaluation.folder import EvaluationFolder
from lowres_code.evaluation.record import SampleRecord
from lowres_code.judge import Judge
from lowres_code.judgement import Judgement
from lowres_code.language.base import Execution, Status
from lowres_code.metamorphic import Others, follow
from lowres_code.problem import Problem
from lowres_code.solutions import count_answers
from lowres_code.trust import trust_of

_AT_A_TIME = 500  # samples; after so many what was found is written down


def change_right_programs(
    folder: EvaluationFolder, problems: Sequence[Problem], judge: Judge, others: Others, tell: Callable[[str], None]
) -> None:
    """See of each right sample that was not tried yet whether its program follows (`lowres_code.metamorphic`).

    Args:
        folder: of the evaluation; the samples in it are completed.
        problems: that were asked.
        judge: of the language, which must offer an analysis.
        others: gives problems that differ in their numbers.
        tell: is told what goes on.
    """
    records, known = folder.samples(), {problem.id: problem for problem in problems}
    left = [place for place, record in enumerate(records) if record.correct and not _is_tried(record)]
    for begin in range(0, len(left), _AT_A_TIME):
        tell(f"changing right programs: {begin} of {len(left)}")
        places = left[begin : begin + _AT_A_TIME]
        asked = [known[records[place].problem] for place in places]
        for place, record in zip(
            places, _tried([records[place] for place in places], asked, judge, others), strict=True
        ):
            records[place] = record
        write_records(folder.path / "samples.jsonl", [record.as_json() for record in records])


def _is_tried(record: SampleRecord) -> bool:
    return record.trust is not None and record.trust.follows is not None


def _tried(
    records: Sequence[SampleRecord], problems: Sequence[Problem], judge: Judge, others: Others
) -> list[SampleRecord]:
    judgements = [_judgement(record, judge) for record in records]
    if judge.language.enumerates:
        judgements = count_answers(judge, judgements, problems)
    judgements = follow(judge, judge.analyse(judgements), problems, others)
    found = [trust_of(judgement, problem) for judgement, problem in zip(judgements, problems, strict=True)]
    pairs = zip(records, found, strict=True)
    return [record if trust is None else record.model_copy(update={"trust": trust}) for record, trust in pairs]


def _judgement(record: SampleRecord, judge: Judge) -> Judgement:
    """As it was given; of the execution, what the answer tells."""
    completion = replace(parse_completion(record.completion, judge.language.fences), program=record.program)
    return Judgement(record.verdict, completion, Execution(Status.OK, record.answer))
