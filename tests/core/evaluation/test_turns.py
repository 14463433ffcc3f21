"""Samples of several turns: what the model is told, how each ends, and that a stop loses and repeats nothing."""

from __future__ import annotations

import json
import random
import signal
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest
from lowres_code.completion import format_completion
from lowres_code.errors import UsageError
from lowres_code.evaluation.compare import compare
from lowres_code.evaluation.folder import EvaluationFolder
from lowres_code.evaluation.record import SampleRecord
from lowres_code.evaluation.run import Writer, evaluate
from lowres_code.generation.base import Failure, Generator, Request, Sample, Sampling
from lowres_code.generation.endpoint import EndpointGenerator, Patience
from lowres_code.generation.given import GivenGenerator
from lowres_code.judge import Judge
from lowres_code.problem import Problem, Test
from lowres_code.recipe import Recipe
from lowres_code.report.page_data import page_of

from tests.core.evaluation.test_stopped import Invoke, stopped_after
from tests.core.generation.conftest import Handler, Server, server  # noqa: F401 - a fixture

GOLD = "8191"  # that no program here prints unless it is right
PROBLEMS = [Problem(name, f"question {name}", (Test(expected=GOLD),)) for name in ("a", "b", "c", "d", "e")]


def written(program: str) -> str:
    return format_completion("...", program)


BROKEN, WRONG, RIGHT = (written(f"solve(X) :- {body}.") for body in ("X is 1 +", "X is 4 + 4", f"X = {GOLD}"))
CRASHES, SILENT = written("solve(X) :- foo(X)."), written("solve(_) :- write(hello), fail.")
CONVERSATIONS = [
    [RIGHT, BROKEN],  # right at once: nothing more is asked
    [BROKEN, RIGHT, BROKEN],  # right in turn 2
    ["no program", CRASHES, RIGHT],  # in turn 3
    [SILENT, WRONG, RIGHT],  # its answer of turn 2 is the last
    [BROKEN, BROKEN],  # nothing is given for turn 3
]


def recipe(turns: int, samples: int = 1, **rollout: object) -> Recipe:
    data = {"source": "file", "size": 5}
    return Recipe.model_validate(
        {
            "model": {"name": "given"},
            "data": {"train": data, "eval": data},
            "prompt": {"shots": 0, "system": ""},
            "rollout": {"turns": turns, **rollout},
            "eval": {"samples": samples},
        }
    )


class Recorded(GivenGenerator):
    """Keeps what it was asked."""

    def __init__(self, texts: Sequence[str | Sequence[str]] = CONVERSATIONS) -> None:
        super().__init__(texts, "given")
        self.asked: list[Request] = []

    def generate(self, requests: Sequence[Request], sampling: Sampling) -> Iterator[Sample | Failure]:
        self.asked += requests
        yield from super().generate(requests, sampling)


def measured(folder: Path, judge: Judge, recipe: Recipe, generator: Generator | None = None) -> EvaluationFolder:
    evaluation = EvaluationFolder(folder)
    evaluate(evaluation, Writer("given", lambda: generator or Recorded()), PROBLEMS, judge, recipe)
    return evaluation


def by_problem(folder: EvaluationFolder) -> dict[str, SampleRecord]:
    return {sample.problem: sample for sample in folder.samples()}


def verdicts(sample: SampleRecord) -> list[str]:
    return [turn.verdict for turn in sample.all_turns]


def test_each_conversation_ends_as_it_should(tmp_path: Path, judge: Judge) -> None:
    folder = measured(tmp_path / "e", judge, recipe(3))
    assert {name: verdicts(sample) for name, sample in by_problem(folder).items()} == {
        "a": ["correct"],
        "b": ["syntax_error", "correct"],
        "c": ["no_code", "runtime_error", "correct"],
        "d": ["no_answer", "wrong_answer"],
        "e": ["syntax_error", "syntax_error"],
    }
    summary = folder.summary()
    assert summary.complete and summary.all is not None
    assert summary.failures == ("nothing is given for turn 3",)
    assert {turn: share.value for turn, share in summary.all.pass_at_1_by_turn.items()} == {1: 0.2, 2: 0.4, 3: 0.6}
    assert summary.all.pass_at_1.value == 0.6
    assert not (folder.path / "unfinished.jsonl").exists()


def test_a_model_that_is_told_so_tries_a_wrong_answer_again(tmp_path: Path, judge: Judge) -> None:
    sample = by_problem(measured(tmp_path / "e", judge, recipe(3, tell_wrong=True)))["d"]
    assert verdicts(sample) == ["no_answer", "wrong_answer", "correct"]
    assert (sample.earlier[1].feedback or "").startswith("The answer 8 is not right.\n")


def test_what_a_model_is_asked_in_a_later_turn(tmp_path: Path, judge: Judge) -> None:
    given = Recorded()
    measured(tmp_path / "e", judge, recipe(3), given)
    chats = {(request.key, request.turn): request.messages for request in given.asked}
    assert sorted(chats) == [(0, 1), (1, 1), (1, 2), (2, 1), (2, 2), (2, 3), (3, 1), (3, 2), (4, 1), (4, 2), (4, 3)]
    assert [message["role"] for message in chats[2, 3]] == ["user", "assistant", "user", "assistant", "user"]
    assert [message["content"] for message in chats[2, 3]][::2][1:] == [
        "There is no program in your answer.\n"
        "Write your whole answer again, in the same form, with a program that works.",
        "The program ended with an error.\nonce/1: Unknown procedure: foo/1\n"
        "Write your whole answer again, in the same form, with a program that works.",
    ]
    assert chats[2, 3][1]["content"] == "no program" and chats[2, 3][3]["content"] == CRASHES
    told = chats[3, 2][-1]["content"]
    assert "The program ran, but gave no answer." in told and "It printed:\nhello" in told
    assert "line 1, column 23: Syntax error: " in chats[1, 2][-1]["content"]


def test_the_right_answer_stands_in_no_message(tmp_path: Path, judge: Judge) -> None:
    given = Recorded()
    folder = measured(tmp_path / "e", judge, recipe(3, tell_wrong=True), given)
    told = [message["content"] for request in given.asked for message in request.messages if message["role"] == "user"]
    assert len(told) > 15
    assert not any(GOLD in text for text in told)
    feedback = [turn.feedback for sample in folder.samples() for turn in sample.all_turns if turn.feedback]
    assert feedback and not any(GOLD in text for text in feedback)


def test_the_first_turn_is_what_it_is_without_others(tmp_path: Path, invoke: Invoke) -> None:
    """The pocket model: the same first answers; and the same again in a second evaluation of three turns."""
    small = ["eval", "pocket", "--lang", "prolog", "--set", "data.eval.size=6", "--set", "eval.samples=2"]
    several = ["--set", "rollout.turns=3", "--set", "rollout.tell_wrong=true"]
    for name, more in (("one", []), ("three", several), ("again", several)):
        done = invoke(*small, *more, "--out", tmp_path / name)
        assert done.exit_code == 0, done.output
    one, three, again = (
        {(s.problem, s.greedy, s.sample): s for s in EvaluationFolder(tmp_path / name).samples()}
        for name in ("one", "three", "again")
    )
    assert {key: sample.completion for key, sample in one.items()} == {
        key: sample.all_turns[0].completion for key, sample in three.items()
    }
    chats = [{k: [(t.completion, t.feedback) for t in s.all_turns] for k, s in it.items()} for it in (three, again)]
    assert chats[0] == chats[1]
    assert max(sample.turns for sample in three.values()) == 3
    figures = [EvaluationFolder(tmp_path / name).summary().all for name in ("one", "three")]
    assert figures[0] and figures[1] and figures[1].pass_at_1_by_turn[1] == figures[0].pass_at_1
    assert "pass@1 by turn: 1: " in done.output


def test_what_was_judged_of_a_conversation_is_not_asked_again(tmp_path: Path, judge: Judge) -> None:
    """Stopped before the third turn: the two that go on are asked for that one, and nothing else is."""
    folder = tmp_path / "e"

    class Stops(Recorded):
        def generate(self, requests: Sequence[Request], sampling: Sampling) -> Iterator[Sample | Failure]:
            if requests[0].turn == 3:
                raise UsageError("the line is dead")
            yield from super().generate(requests, sampling)

    with pytest.raises(UsageError, match="the line is dead"):
        measured(folder, judge, recipe(3), Stops())
    assert {sample.problem for sample in EvaluationFolder(folder).samples()} == {"a", "b", "d"}
    given = Recorded()
    measured(folder, judge, recipe(3), given)
    assert [(request.key, request.turn) for request in given.asked] == [(2, 3), (4, 3)]
    whole = measured(tmp_path / "whole", judge, recipe(3))
    assert {n: chat(s) for n, s in by_problem(EvaluationFolder(folder)).items()} == {
        n: chat(s) for n, s in by_problem(whole).items()
    }
    assert len(EvaluationFolder(folder).samples()) == 5


def chat(sample: SampleRecord) -> list[tuple[str, str, str | None]]:
    return [(turn.completion, turn.verdict, turn.feedback) for turn in sample.all_turns]


def test_what_the_judge_failed_on_goes_on_when_it_is_judged(tmp_path: Path, judge: Judge) -> None:
    """Its first turn was the judge's failure: judged again it is a syntax error, and the model is asked for turn 2."""
    folder = measured(tmp_path / "e", judge, recipe(3))
    lines = [json.loads(line) for line in (folder.path / "samples.jsonl").read_text().splitlines()]
    failed = {"problem": "b", "completion": BROKEN, "program": None, "verdict": "infra_error", "sample": 0}
    kept = [line for line in lines if line["problem"] != "b"]
    (folder.path / "samples.jsonl").write_text("".join(json.dumps(line) + "\n" for line in [*kept, failed]))
    given = Recorded()
    measured(folder.path, judge, recipe(3), given)
    assert [(request.key, request.turn) for request in given.asked] == [(1, 2)]
    assert verdicts(by_problem(folder)["b"]) == ["syntax_error", "correct"]
    assert len(folder.samples()) == 5


SMALL = [
    "--set",
    "data.eval.size=14",
    "--set",
    "eval.samples=2",
    "--set",
    "eval.batch_size=4",
    "--set",
    "eval.greedy=false",
]


def test_killed_and_called_again_a_conversation_goes_on(tmp_path: Path, invoke: Invoke) -> None:
    out = tmp_path / "evaluation"
    arguments = ["eval", "pocket", "--lang", "prolog", "--out", str(out), *SMALL, "--set", "rollout.turns=2"]
    _, code = stopped_after(random.Random(20261129).randrange(1, 8), 0.0, signal.SIGKILL, out, arguments)
    assert code == -signal.SIGKILL
    there = [sample.completion for sample in EvaluationFolder(out).unfinished()]
    done = invoke(*arguments, "--json")
    assert done.exit_code == 0, done.output
    samples = EvaluationFolder(out).samples()
    assert len(samples) == len({(s.problem, s.sample) for s in samples}) == 28
    assert max(sample.turns for sample in samples) == 2
    firsts = [sample.all_turns[0].completion for sample in samples]
    assert all(text in firsts for text in there)
    assert list(json.loads(done.stdout)["all"]["pass_at_1_by_turn"]) == ["1", "2"]


@pytest.mark.parametrize("change", [{"turns": 2}, {"tell_wrong": True}, {"feedback": "{verdict} Again!"}])
def test_another_number_of_turns_or_other_feedback_is_another_evaluation(
    change: dict[str, Any], tmp_path: Path, judge: Judge
) -> None:
    measured(tmp_path / "e", judge, recipe(3))
    with pytest.raises(UsageError, match=r"asks something else: (turns|feedback) is"):
        measured(tmp_path / "e", judge, recipe(**{"turns": 3, **change}))


def test_comparison_by_turn(tmp_path: Path, judge: Judge, invoke: Invoke) -> None:
    """Before: a, b, c are right after turns 1, 2, 3. After: b at once, d in turn 2."""
    before = measured(tmp_path / "before", judge, recipe(3))
    texts = [[WRONG], [RIGHT], [WRONG], [BROKEN, RIGHT], [WRONG]]
    after = measured(tmp_path / "after", judge, recipe(3), Recorded(texts))
    (found,) = compare(before, [after])
    shares = {
        turn: (part.before.value, part.after.value, part.better, part.worse) for turn, part in found.by_turn.items()
    }
    assert shares == {1: (0.2, 0.2, 1, 1), 2: (0.4, 0.4, 1, 1), 3: (0.6, 0.4, 1, 2)}
    assert found.by_turn[3] == found.all
    shown = invoke("compare", tmp_path / "before", tmp_path / "after")
    assert "after turn 3" in shown.stdout
    once = measured(tmp_path / "once", judge, recipe(1))
    with pytest.raises(UsageError, match="they differ in the number of turns and what the model is told between turns"):
        compare(once, [before])
    assert compare(once, [before], anyway=True)[0].by_turn[1].difference.value == 0


def test_a_page_has_every_turn(tmp_path: Path, judge: Judge) -> None:
    folder = measured(tmp_path / "e", judge, recipe(3))
    page = page_of([folder.path])
    row = [page.problems.id[problem] for problem in page.samples.problem].index("c")
    turns = [(text, page.verdicts[verdict]) for text, verdict, _ in page.samples.earlier[row]]
    assert turns == [("no program", "no_code"), (CRASHES, "runtime_error")]
    assert "There is no program" in page.samples.earlier[row][0][2]


def test_an_endpoint_is_sent_the_whole_chat(tmp_path: Path, judge: Judge, server: Server) -> None:  # noqa: F811
    """Right in turn 2 for ``b``; of ``c`` turn 2 is refused as too long, and it ends with its first program."""

    def behave(handler: Handler, before: int) -> None:
        messages = server.requests[-1][1]["messages"]
        question, later = messages[0]["content"], len(messages) > 1
        if question == "question c" and later:
            handler.send(400, {"error": {"message": "this model's maximum context length is 512 tokens"}})
        else:
            handler.say(RIGHT if later else BROKEN)

    server.behave = behave
    patience = Patience(concurrency=1, attempts=2, timeout_s=20.0, backoff_s=0.01)
    folder = measured(tmp_path / "e", judge, recipe(2), EndpointGenerator(server.url, "m", patience))
    found = {name: verdicts(sample) for name, sample in by_problem(folder).items()}
    assert found == {name: ["syntax_error", "correct"] for name in "abde"} | {"c": ["syntax_error"]}
    assert folder.summary().complete and "context length" in folder.summary().failures[0]
    later = [body for _, body in server.requests if len(body["messages"]) == 3]
    assert {body["messages"][1]["content"] for body in later} == {BROKEN}
    assert len({body["seed"] for _, body in server.requests}) == 10
