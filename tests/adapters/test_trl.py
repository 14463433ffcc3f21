"""TRL's own trainers with our reward functions and environment; the completions are given."""

from __future__ import annotations

import asyncio
import json
import math
import pickle
import re
import subprocess
import sys
from collections.abc import Iterator
from importlib.metadata import version
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import torch
import trl as tool
from accelerate import PartialState  # type: ignore[import-untyped]
from datasets import Dataset
from lowres_code._util.quiet import quiet_libraries
from lowres_code.adapters import judging
from lowres_code.adapters import trl as adapter
from lowres_code.adapters.trl import Reward, environment
from lowres_code.errors import JudgeError, UsageError
from transformers import AutoModelForCausalLM, AutoTokenizer
from trl import GRPOConfig, GRPOTrainer
from trl.experimental.async_grpo.async_rollout_worker import RolloutGroup, _AsyncRolloutLoop

from tests.adapters.conftest import FATAL, RIGHT, WRONG, needs_lua
from tests.core.train.conftest import little_garbage  # noqa: F401 - a step of TRL's

pytestmark = needs_lua

GROUP = {"per_device_train_batch_size": 4, "num_generations": 4, "max_steps": 1, "logging_steps": 1}
PLAIN = {"use_cpu": True, "bf16": False, "report_to": "none", "save_strategy": "no", "gradient_checkpointing": False}
QUESTION = [{"role": "user", "content": "What is 6 times 7?"}]


class Speaker(GRPOTrainer):  # type: ignore[misc]
    """TRL's trainer with a model that says what it is told to, turn by turn."""

    turns: list[list[str]]

    def _generate_single_turn(self, prompt_ids: list[Any], *_: Any, **__: Any) -> tuple[list[list[int]], None]:
        texts = self.turns.pop(0)
        assert len(texts) == len(prompt_ids)
        return [self.processing_class(text, add_special_tokens=False).input_ids for text in texts], None


def one_step(model: Path, folder: Path, turns: list[list[str]], **options: Any) -> tuple[Any, list[float]]:
    """A step of training: the trainer, and the advantages of the four completions."""
    quiet_libraries()
    tokenizer = AutoTokenizer.from_pretrained(str(model), padding_side="left")
    tokenizer.chat_template = (Path(tool.__file__).parent / "chat_templates" / "qwen3.jinja").read_text()
    trainer = Speaker(
        model=AutoModelForCausalLM.from_pretrained(str(model), dtype=torch.float32),
        args=GRPOConfig(**GROUP, **PLAIN, max_completion_length=512, output_dir=str(folder)),
        train_dataset=Dataset.from_list([{"prompt": QUESTION, "answer": "42"}] * 4),
        processing_class=tokenizer,
        **options,
    )
    trainer.turns = turns
    taken: list[torch.Tensor] = []
    inner = trainer._generate_and_score_completions

    def keep(inputs: Any) -> Any:
        output = inner(inputs)
        taken.append(output["advantages"])
        return output

    trainer._generate_and_score_completions = keep
    trainer.train()
    return trainer, taken[0].tolist()


def test_each_language_is_a_reward_function() -> None:
    assert adapter.common_lisp == Reward("common-lisp")
    assert pickle.loads(pickle.dumps(adapter.lua)) == Reward("lua")
    with pytest.raises(AttributeError, match="there is no language 'prologg'; did you mean 'prolog'"):
        _ = adapter.prologg


def test_a_step_of_trl_learns_from_the_verdicts(tiny_model: Path, tmp_path: Path, failing: None) -> None:
    turns = [[f"{text}<|im_end|>" for text in (RIGHT, WRONG, FATAL, RIGHT)]]
    trainer, advantages = one_step(tiny_model, tmp_path, turns, reward_funcs=[adapter.lua])
    assert trainer.state.log_history[0]["rewards/lua/mean"] == pytest.approx(2 / 3)
    assert advantages[0] == advantages[3] > 0 > advantages[1]
    assert advantages[2] == 0


def call(program: str) -> str:
    """A model's call of the tool, as Qwen 3 writes it."""
    asked = {"name": "run_program", "arguments": {"program": program}}
    return f"<tool_call>\n{json.dumps(asked)}\n</tool_call><|im_end|>"


def test_an_environment_shows_what_is_wrong_and_rewards_the_last_program(tiny_model: Path, tmp_path: Path) -> None:
    first = [call("print(6 *"), call("print(6 * 7)"), call("print(6 * 7)"), "I do not know.<|im_end|>"]
    second = [call("print(6 * 7)"), call("print(6 * 8)"), "It is 42.<|im_end|>"]
    turns = [first, second, ["It is 42.<|im_end|>"] * 2]
    shown: list[list[str]] = []

    def spy(completions: list[list[dict[str, Any]]], **_: Any) -> list[float]:
        shown.extend([turn["content"] for turn in turns if turn["role"] == "tool"] for turns in completions)
        return [0.0] * len(completions)

    options: dict[str, Any] = {"reward_funcs": [spy], "environment_factory": environment("lua")}
    trainer, advantages = one_step(tiny_model, tmp_path, turns, **options)
    assert trainer.state.log_history[0]["rewards/ProgramEnvironment/mean"] == 0.5
    assert advantages[0] == advantages[2] > 0 > advantages[1] == advantages[3]
    wrong, right = "The program ran. Its answer: 48", "The program ran. Its answer: 42"
    assert [len(said) for said in shown] == [2, 2, 1, 0]
    assert shown[0][0].startswith("The program has a syntax error.\nline 1: ")
    assert [shown[0][1], *shown[1], *shown[2]] == [right, right, wrong, right]


def test_an_environment_tells_nothing_of_what_is_right(failing: None) -> None:
    tried = environment("lua")()
    tried.reset(answer="42", prompt=QUESTION)
    assert tried.get_reward() == 0
    ended = tried.run_program("io.write('a') error('b')")
    assert ended.startswith("The program ended with an error.\nline 1: ") and ended.endswith("It printed:\na")
    assert (tried.run_program(""), tried.get_reward()) == ("There is no program in your answer.", 0)
    assert tried.run_program("print(666)") == "The program could not be run, by no fault of its own. Run it again."
    assert tried.get_reward() is None
    tried.reset(append="assert(f(2) == 4)")
    assert tried.get_reward() == 0
    told = [tried.run_program(f"function f(n) return n {sign} 2 end") for sign in "*+-"]
    assert (told, tried.get_reward()) == (["The program ran."] * 3, 0)


def test_a_row_that_does_not_say_what_is_right_is_refused_before_the_model_is_asked() -> None:
    with pytest.raises(UsageError, match="the row: needs 'answer', or 'tests'"):
        environment("lua")().reset(solution="42")
    with pytest.raises(UsageError, match="Lua has no queries"):
        environment("lua")().reset(answer="42", query="solve(X)")


@pytest.fixture
def own_judge(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A judge whose failures do not count for the other tests of this process."""
    opened: dict[Any, Any] = {}
    monkeypatch.setattr(judging, "_opened", opened)
    yield
    for one in opened.values():
        one.judge.close()


@pytest.mark.usefixtures("failing", "own_judge")
def test_a_judge_that_goes_away_is_no_wrong_program(tiny_model: Path, tmp_path: Path) -> None:
    """TRL shows a model what a tool raises, and goes on: the reward must not be 0 then."""
    tried = environment("lua")()
    tried.reset(answer="42")
    tried._tests = ()  # what a judge cannot do anything with
    assert tried.run_program("print(42)") == "The program could not be run, by no fault of its own. Run it again."
    with pytest.raises(UsageError, match="cannot be judged without tests"):
        tried.get_reward()
    turns = [[call("print(666)")] * 4, ["It is 42.<|im_end|>"] * 4]
    with pytest.raises(JudgeError, match="the judge failed on"):
        for _ in range(20):  # until there are so many that the share counts
            options: dict[str, Any] = {"reward_funcs": [], "environment_factory": environment("lua")}
            one_step(tiny_model, tmp_path, [list(turn) for turn in turns], **options)


def test_which_of_several_tests_fails_is_not_told(failing: None) -> None:
    """Else a program that guesses at the first input, and says so at the others, would find out."""
    tried = environment("lua")()
    tried.reset(tests=[{"stdin": "1", "stdout": "5"}, {"stdin": "2", "stdout": "6"}])
    program = "if io.read('n') == 1 then print({}) else print('second') end"
    told = {guess: tried.run_program(program.replace("{}", guess)) for guess in ("5", "4")}
    assert told == {guess: f"The program ran. Its answer: {guess}" for guess in ("5", "4")}
    tried.run_program("print(io.read('n') + 4)")
    assert tried.get_reward() == 1


def test_the_asynchronous_trainer_scores_a_group(failing: None) -> None:
    """What its worker does in a process of its own, with what it has unpickled there; the rest of it needs vLLM."""
    rewards, factory = pickle.loads(pickle.dumps(([adapter.lua], environment("lua"))))
    assert factory().get_reward() == 0
    PartialState()  # TRL's worker logs through accelerate
    worker = object.__new__(_AsyncRolloutLoop)
    worker.reward_funcs, worker.reward_func_names, worker._env_reward_types = rewards, ["lua"], []
    row = SimpleNamespace(input_ids=[1], completion_mask=[1], old_log_probs=[0.0])
    group = RolloutGroup(
        prompts=[QUESTION] * 4,
        reward_kwargs={"answer": ["42"] * 4},
        completions=[[{"role": "assistant", "content": text}] for text in (RIGHT, WRONG, FATAL, RIGHT)],
        completions_ids=[[1]] * 4,
        completions_sequences=[[row]] * 4,
        tool_call_counts=[0] * 4,
        tool_failure_counts=[0] * 4,
        model_version=0,
        group_id=0,
        env_rewards=[None] * 4,
        rollout_rewards=[None] * 4,
    )
    samples = asyncio.run(worker._score_group(group))
    assert [sample.metrics["rewards/lua"] for sample in samples] == pytest.approx([1, 0, math.nan, 1], nan_ok=True)
    assert samples[0].advantage == samples[3].advantage > 0 > samples[1].advantage
    assert samples[2].advantage == 0


@pytest.mark.slow
def test_the_command_of_trl_takes_a_language_by_its_name(tmp_path: Path, tiny_model: Path) -> None:
    print("TRL", version("trl"))
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "train.jsonl").write_text(json.dumps({"prompt": QUESTION, "answer": "42"}) + "\n")
    options = {**GROUP, **PLAIN, "model_name_or_path": tiny_model, "dataset_name": tmp_path / "data"}
    options |= {"output_dir": tmp_path, "reward_funcs": "lowres_code.adapters.trl.lua", "max_completion_length": 8}
    words = [word for name, value in options.items() for word in (f"--{name}", str(value))]
    command = [sys.executable, "-c", "from trl.cli import main; main()", "grpo", *words]
    done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert re.search(r"'rewards/lua/mean': '?0(\.0)?'?[,}]", done.stdout), done.stdout
