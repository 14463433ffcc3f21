"""Evaluations that keep what they measure: killed, gone on with, refused, and judged again."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path

import pytest
from click.testing import Result
from lowres_code.completion import format_completion, parse_completion
from lowres_code.errors import JudgeError, LowresCodeError, UsageError
from lowres_code.evaluation.folder import EvaluationFolder
from lowres_code.evaluation.run import Writer, evaluate
from lowres_code.generation.base import Failure, Generator, Request, Sample, Sampling
from lowres_code.judge import Judge
from lowres_code.judgement import Judgement
from lowres_code.plugins.manager import plugin_manager
from lowres_code.problem import Problem, Test
from lowres_code.recipe import Recipe

Invoke = Callable[..., Result]
PROBLEMS = [Problem(f"p{n}", f"What is {n} + 1?", (Test(expected=str(n + 1)),), task=f"t{n % 2}") for n in range(5)]


class Scribe(Generator):
    """Writes a right program for even samples and a wrong one for odd ones; the third problem is cut."""

    name = "scribe"

    def __init__(self, fails: int = 0) -> None:
        self.asked: list[tuple[int, int, float]] = []
        self._fails = fails

    def generate(self, requests: Sequence[Request], sampling: Sampling) -> Iterator[Sample | Failure]:
        for request in requests:
            for number in request.numbers:
                self.asked.append((request.key, number, sampling.temperature))
                if self._fails:
                    self._fails -= 1
                    yield Failure(request.key, number, "the line is busy")
                    continue
                text = format_completion("...", f"solve({request.key + 1 + number % 2}).")
                stop = "length" if request.key == 2 else "stop"
                yield Sample(request.key, number, text, 7, stop, 0.5)  # type: ignore[arg-type]


def recipe(**table: object) -> Recipe:
    data = {"source": "file", "size": 5}
    return Recipe.model_validate(
        {
            "model": {"name": "scribe"},
            "data": {"train": data, "eval": data},
            "prompt": {"shots": 0},
            "eval": {"samples": 2, **table},
        }
    )


def measured(folder: Path, judge: Judge, scribe: Scribe, **table: object) -> EvaluationFolder:
    evaluation = EvaluationFolder(folder)
    evaluate(evaluation, Writer("scribe", lambda: scribe), PROBLEMS, judge, recipe(**table))
    return evaluation


def test_the_record_holds_every_sample_and_its_summary_follows(tmp_path: Path, judge: Judge) -> None:
    folder = measured(tmp_path / "e", judge, Scribe(), greedy=True)
    samples, summary = folder.samples(), folder.summary()
    assert len(samples) == 15
    first = next(s for s in samples if (s.problem, s.sample, s.greedy) == ("p2", 1, False))
    assert (first.verdict, first.answer, first.program, first.task) == ("wrong_answer", "4", "solve(4).\n", "t0")
    assert (first.tokens, first.cut, first.seconds) == (7, True, 0.5)
    assert summary.complete and summary.all is not None
    assert (summary.all.pass_at_1.value, summary.all.greedy and summary.all.greedy.value) == (0.5, 1.0)
    assert (summary.all.any_of_n.value, summary.all.all_of_n.value, summary.all.cut.value) == (1.0, 0.0, 0.2)
    assert {task: part.problems for task, part in summary.by_task.items()} == {"t0": 3, "t1": 2}
    assert [problem.question for problem in folder.problems()] == [problem.question for problem in PROBLEMS]
    assert "[eval]" in (folder.path / "recipe.toml").read_text()


def test_only_what_is_missing_is_made(tmp_path: Path, judge: Judge) -> None:
    folder = measured(tmp_path / "e", judge, Scribe(), greedy=True)
    lines = (folder.path / "samples.jsonl").read_text().splitlines()
    (folder.path / "samples.jsonl").write_text("\n".join(lines[:4] + lines[7:]) + '\n{"problem": "p0", "samp')  # torn
    dropped = [json.loads(line) for line in lines[4:7]]
    scribe = Scribe()
    measured(folder.path, judge, scribe, greedy=True)
    wanted = {(int(line["problem"][1:]), line["sample"], 0.0 if line["greedy"] else 1.0) for line in dropped}
    assert set(scribe.asked) == wanted
    assert len(scribe.asked) == 3
    assert Counter((s.problem, s.sample, s.greedy) for s in folder.samples()).most_common(1)[0][1] == 1
    assert len(folder.samples()) == 15


def test_the_share_of_tests_that_pass_is_measured_where_it_is_asked_for(tmp_path: Path, judge: Judge) -> None:
    """The scribe's right programs pass both tests of a problem with two, its wrong ones the second, which asks less."""
    two = tuple(
        Problem(p.id, p.question, (*p.tests, Test(check=lambda answer: True)) if n else p.tests, task=p.task)
        for n, p in enumerate(PROBLEMS)
    )

    def shares(name: str, **table: object) -> dict[str, float | None]:
        folder = EvaluationFolder(tmp_path / name)
        summary = evaluate(folder, Writer("scribe", Scribe), two, judge, recipe(**table))
        assert summary.all is not None
        assert summary.all.pass_at_1.value == 0.5
        parts = {"all": summary.all, **summary.by_task}
        return {task: round(part.fraction.value, 4) if part.fraction else None for task, part in parts.items()}

    # p0 has one test: (1 + 0) / 2; p1 to p4 have two: (1 + 1/2) / 2. p0, p2 and p4 are of t0.
    assert shares("asked", fraction=True) == {"all": 0.7, "t0": round(2 / 3, 4), "t1": 0.75}
    assert shares("not-asked") == {"all": None, "t0": None, "t1": None}
    with pytest.raises(UsageError, match="fraction is False there and True now"):
        shares("not-asked", fraction=True)


def test_a_finished_evaluation_asks_nobody(tmp_path: Path, judge: Judge) -> None:
    folder = measured(tmp_path / "e", judge, Scribe())

    def nobody() -> Generator:
        raise AssertionError("the model was loaded")

    assert evaluate(folder, Writer("scribe", nobody), PROBLEMS, judge, recipe()) == folder.summary()


def test_what_cannot_be_had_is_counted_and_asked_for_again(tmp_path: Path, judge: Judge) -> None:
    folder = measured(tmp_path / "e", judge, Scribe(fails=3))
    summary = folder.summary()
    assert (summary.complete, summary.missing, summary.failures) == (False, 3, ("the line is busy",))
    assert len(folder.samples()) == 7
    measured(folder.path, judge, Scribe())
    assert (folder.summary().complete, folder.summary().missing) == (True, 0)


@pytest.mark.parametrize("change", [{"temperature": 0.5}, {"seed": 1}, {"samples": 3}, {"max_new_tokens": 9}])
def test_an_evaluation_that_asks_something_else_is_not_gone_on_with(
    change: dict[str, object], tmp_path: Path, judge: Judge
) -> None:
    measured(tmp_path / "e", judge, Scribe())
    with pytest.raises(UsageError, match=f"asks something else: {next(iter(change))} is"):
        measured(tmp_path / "e", judge, Scribe(), **change)


def test_a_language_that_has_changed_since_is_not_gone_on_with(tmp_path: Path, judge: Judge) -> None:
    folder = measured(tmp_path / "e", judge, Scribe())
    file = folder.path / "summary.json"
    there = json.loads(file.read_text())
    assert there["asked"]["language_data"]["suffix"] == '".pl"'
    there["asked"]["language_data"]["code"] = "sha256:other"
    file.write_text(json.dumps(there))
    with pytest.raises(UsageError, match=r"asks something else: language_data\.code is 'sha256:other' there"):
        measured(folder.path, judge, Scribe())
    del there["asked"]["language_data"]  # of a folder that is older than this, nothing is known
    file.write_text(json.dumps(there))
    assert measured(folder.path, judge, Scribe()).summary().complete


def test_a_folder_with_other_things_is_not_written_into(tmp_path: Path, judge: Judge) -> None:
    (tmp_path / "thesis.tex").write_text("years of work")
    with pytest.raises(UsageError, match=r"holds other things \('thesis.tex'\)"):
        measured(tmp_path, judge, Scribe())
    with pytest.raises(UsageError, match="is a file"):
        measured(tmp_path / "thesis.tex", judge, Scribe())


def test_two_problems_of_one_id_are_refused(tmp_path: Path, judge: Judge) -> None:
    twice = [PROBLEMS[0], Problem("p0", "another?", (Test(expected="1"),))]
    with pytest.raises(UsageError, match="two problems have the id 'p0'"):
        evaluate(EvaluationFolder(tmp_path / "e"), Writer("scribe", Scribe), twice, judge, recipe())


def test_a_query_in_a_language_without_them_is_refused_before_anything_is_made(tmp_path: Path) -> None:
    asking = [*PROBLEMS, Problem("asks", "?", (Test(expected="1", query="solve(X)"),))]
    scribe = Scribe()
    with Judge(plugin_manager().languages["lua"].thing) as lua, pytest.raises(UsageError, match="problem 'asks' asks"):
        evaluate(EvaluationFolder(tmp_path / "e"), Writer("scribe", lambda: scribe), asking, lua, recipe())
    assert scribe.asked == []
    assert not (tmp_path / "e").exists()


def test_two_at_once_do_not_share_a_folder(tmp_path: Path, judge: Judge) -> None:
    folder = EvaluationFolder(tmp_path / "e")

    class Rival(Scribe):
        def generate(self, requests: Sequence[Request], sampling: Sampling) -> Iterator[Sample | Failure]:
            with pytest.raises(UsageError, match="another process is working on the evaluation"):
                measured(folder.path, judge, Scribe())
            yield from super().generate(requests, sampling)

    evaluate(folder, Writer("scribe", Rival), PROBLEMS, judge, recipe())
    assert len(folder.samples()) == 10


def test_a_sample_that_stands_twice_does_not_make_it_complete(tmp_path: Path, judge: Judge) -> None:
    folder = measured(tmp_path / "e", judge, Scribe())
    lines = (folder.path / "samples.jsonl").read_text().splitlines(keepends=True)
    (folder.path / "samples.jsonl").write_text("".join([*lines[:-1], lines[0]]))
    assert (folder.summarize().complete, folder.summarize().missing) == (False, 1)


def test_a_judge_that_stays_broken_is_no_success_the_second_time(tmp_path: Path, judge: Judge) -> None:
    folder = measured(tmp_path / "e", judge, Scribe())
    lines = [json.loads(line) for line in (folder.path / "samples.jsonl").read_text().splitlines()]
    broken = [line | {"verdict": "infra_error"} for line in lines]
    (folder.path / "samples.jsonl").write_text("".join(json.dumps(line) + "\n" for line in broken))

    class Broken(Judge):
        def judge(
            self, completions: Iterable[str], problems: Iterable[Problem], every_test: bool = False
        ) -> list[Judgement]:
            return [Judgement("infra_error", parse_completion(text, ())) for text in completions]

    with Broken(judge.language) as never, pytest.raises(JudgeError, match="all 10"):
        measured(folder.path, never, Scribe())


def test_what_the_judge_failed_on_is_judged_again_and_not_written_again(tmp_path: Path, judge: Judge) -> None:
    folder = measured(tmp_path / "e", judge, Scribe())
    text = (folder.path / "samples.jsonl").read_text()
    failed = [json.loads(line) | {"verdict": "infra_error", "answer": None} for line in text.splitlines()]
    (folder.path / "samples.jsonl").write_text("".join(json.dumps(line) + "\n" for line in failed))
    scribe = Scribe()
    measured(folder.path, judge, scribe)
    assert scribe.asked == []
    assert (folder.path / "samples.jsonl").read_text() != text  # the seconds of judging differ
    assert Counter(s.verdict for s in folder.samples()) == {"correct": 5, "wrong_answer": 5}


def test_an_error_of_the_judging_thread_ends_the_evaluation(tmp_path: Path, judge: Judge) -> None:
    folder = EvaluationFolder(tmp_path / "e")

    class Spoiler(Scribe):
        def generate(self, requests: Sequence[Request], sampling: Sampling) -> Iterator[Sample | Failure]:
            (folder.path / "samples.jsonl").mkdir()  # nothing can be written there
            yield from super().generate(requests, sampling)

    with pytest.raises(LowresCodeError, match="cannot write"):
        evaluate(folder, Writer("scribe", Spoiler), PROBLEMS, judge, recipe())


def test_what_was_made_before_an_error_of_the_generator_is_judged_and_kept(tmp_path: Path, judge: Judge) -> None:
    class Refused(Scribe):
        def generate(self, requests: Sequence[Request], sampling: Sampling) -> Iterator[Sample | Failure]:
            yield from super().generate(requests, sampling)
            raise UsageError("the key is not valid any more")

    folder = EvaluationFolder(tmp_path / "e")
    with pytest.raises(UsageError, match="the key is not valid any more"):
        evaluate(folder, Writer("scribe", Refused), PROBLEMS, judge, recipe())
    assert len(folder.samples()) == 10


def test_compare_shows_two_evaluations_paired(tmp_path: Path, judge: Judge, invoke: Invoke) -> None:
    measured(tmp_path / "a", judge, Scribe())
    measured(tmp_path / "b", judge, Scribe(), seed=1)
    done = invoke("compare", tmp_path / "a", tmp_path / "b", "--json")
    assert done.exit_code == 0, done.output
    (told,) = json.loads(done.stdout)
    assert (told["all"]["problems"], told["all"]["difference"]["value"], told["all"]["p_value"]) == (5, 0.0, 1.0)
    shown = invoke("compare", tmp_path / "a", tmp_path / "b")
    assert shown.exit_code == 0
    assert "+0.000 [" in shown.stdout and "0 / 0" in shown.stdout
    refused = invoke("compare", tmp_path / "a")
    assert refused.exit_code == 2
    assert "two evaluations or more" in refused.output


def test_what_was_sampled_otherwise_is_not_compared_and_other_problems_are_no_other_prompt(
    tmp_path: Path, judge: Judge, invoke: Invoke
) -> None:
    measured(tmp_path / "a", judge, Scribe())
    measured(tmp_path / "cold", judge, Scribe(), temperature=0.5)
    refused = invoke("compare", tmp_path / "a", tmp_path / "cold")
    assert refused.exit_code == 2
    assert "were not asked the same; they differ in the temperature:" in refused.output
    few = EvaluationFolder(tmp_path / "few")
    evaluate(few, Writer("scribe", Scribe), PROBLEMS[:3], judge, recipe())
    refused = invoke("compare", tmp_path / "a", tmp_path / "few")
    assert "were not asked the same; they differ in the problems:" in refused.output
    assert invoke("compare", tmp_path / "a", tmp_path / "few", "--anyway").exit_code == 0
