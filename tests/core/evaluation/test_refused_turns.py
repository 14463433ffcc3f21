"""A later turn that an endpoint does not take: what has grown too long ends, anything else is asked for again."""

from __future__ import annotations

from pathlib import Path

from lowres_code.evaluation.folder import EvaluationFolder

from tests.core.evaluation.test_stopped import Invoke
from tests.core.evaluation.test_turns import BROKEN
from tests.core.generation.conftest import Handler, Server, server  # noqa: F401 - a fixture


def test_a_later_turn_that_is_refused_for_another_reason_is_asked_for_again(
    tmp_path: Path,
    invoke: Invoke,
    server: Server,  # noqa: F811
) -> None:
    """The first call: turn 2 is refused once for its quota. The second: once as too long, and the sample ends."""
    said = {"message": "You have spent your quota"}

    def behave(handler: Handler, before: int) -> None:
        messages = server.requests[-1][1]["messages"]
        first = messages[0]["content"] == server.requests[0][1]["messages"][0]["content"]
        handler.send(400, {"error": said}) if first and len(messages) > 1 else handler.say(BROKEN)

    server.behave = behave
    command = ["eval", server.url, "--model", "m", "--lang", "prolog", "--out", str(tmp_path / "e")]
    command += [
        "--set",
        "data.eval.size=2",
        "--set",
        "rollout.turns=2",
        "--set",
        "eval.samples=1",
        "--set",
        "eval.greedy=false",
    ]
    command += ["--set", "prompt.shots=0"]
    refused = invoke(*command)
    assert refused.exit_code == 1
    assert "1 samples could not be had" in refused.stderr and "spent your quota" in refused.stderr
    assert len(EvaluationFolder(tmp_path / "e").unfinished()) > 0
    said["message"] = "prompt is too long: 5000 tokens > 4096 maximum"
    ended = invoke(*command)
    assert ended.exit_code == 0
    assert "some samples ended before their last turn: m at" in ended.stderr and "too long" in ended.stderr
    turns = sorted(sample.turns for sample in EvaluationFolder(tmp_path / "e").samples())
    assert turns == [1, 2]
