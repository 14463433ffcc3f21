"""What our trainer does otherwise than TRL gives the same: completions, their metrics, the loss and its gradient."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from datasets import Dataset
from lowres_code._util.quiet import quiet_libraries
from lowres_code.errors import UsageError
from lowres_code.generation.models import load_model, load_tokenizer
from lowres_code.recipe.schema import LoraTable, ModelTable
from lowres_code.train.adapters import _layers_below, lora_config
from lowres_code.train.trainer import Trainer
from peft import get_peft_model
from transformers.trainer_callback import PrinterCallback
from trl import GRPOConfig, GRPOTrainer

POCKET = ModelTable(name="pocket", dtype="float32")
QUESTIONS = ["Prolog: What is 3 + 4?", "Prolog: Calculate 12 * 30 - 7.", "Prolog: 1?", "Prolog: What is 7 - 5 + 11?"]
PROMPTS = [{"prompt": [{"role": "user", "content": question}]} for question in QUESTIONS]
SAME = ["completions/clipped_ratio", "completions/mean_length", "completions/min_length", "completions/max_length"]
SAME += ["completions/mean_terminated_length", "completions/max_terminated_length", "num_tokens", "reward", "entropy"]
SAME += ["loss", "grad_norm"]


def length(completions: list[Any], **_: Any) -> list[float]:
    return [float(len(completion[-1]["content"])) + row % 3 for row, completion in enumerate(completions)]


def trainer_of(kind: type[GRPOTrainer], folder: Path, **options: Any) -> Any:
    quiet_libraries()
    fixed = {"use_cpu": True, "bf16": False, "report_to": "none", "disable_tqdm": True, "logging_steps": 1}
    small = {"max_steps": 2, "num_generations": 4, "per_device_train_batch_size": 8, "max_completion_length": 48}
    fixed |= {"save_strategy": "no", "shuffle_dataset": False, "gradient_checkpointing": False, "learning_rate": 1e-4}
    peft = options.pop("peft_config", None)
    trainer = kind(
        model=load_model(POCKET),
        reward_funcs=[length],
        args=GRPOConfig(**{**fixed, **small, **options}, output_dir=str(folder)),
        train_dataset=Dataset.from_list(PROMPTS * 4),
        processing_class=load_tokenizer(POCKET),
        peft_config=peft,
    )
    trainer.remove_callback(PrinterCallback)
    return trainer


def prompt_ids(trainer: Any) -> list[list[int]]:
    repeated = [row["prompt"] for row in PROMPTS for _ in range(4)]
    ids: list[list[int]] = trainer._tokenize_prompts(repeated)[0]
    return ids


@pytest.mark.parametrize("most", [1, 32, 48, 96])
def test_the_likeliest_completions_are_those_of_trl(tmp_path: Path, most: int) -> None:
    """With ``top_k = 1`` chance has no part; 32 tokens are one segment, 96 are three."""
    ours = trainer_of(Trainer, tmp_path, max_completion_length=most, top_k=1)
    theirs = trainer_of(GRPOTrainer, tmp_path, max_completion_length=most, top_k=1)
    made = ours._generate_single_turn(prompt_ids(ours), None, {}, 4)
    assert made == theirs._generate_single_turn(prompt_ids(theirs), None, {}, 4)
    assert len(made[0]) == 16
    assert max(map(len, made[0])) <= most


def test_a_step_of_likeliest_completions_is_that_of_trl(tmp_path: Path) -> None:
    """One step each: lengths, clipped ratio, entropy, loss and gradient; the last two are 0 but for rounding."""
    records = []
    for kind in (Trainer, GRPOTrainer):
        trainer = trainer_of(
            kind, tmp_path, top_k=1, max_steps=1, max_completion_length=27, per_device_train_batch_size=16
        )
        trainer.train()
        records.append(next(record for record in trainer.state.log_history if "loss" in record))
    ours, theirs = records
    assert 0 < ours["completions/clipped_ratio"] < 1, "some of both, or this shows nothing"
    for name in SAME:
        assert ours[name] == pytest.approx(theirs[name], rel=1e-4, abs=1e-6), name


@pytest.mark.parametrize("kind", [Trainer, GRPOTrainer])
def test_drawn_completions_have_the_distribution_that_is_asked_for(kind: type[GRPOTrainer], tmp_path: Path) -> None:
    """4,000 first tokens out of the 20 likeliest, cut at 0.9: the mean total variation is under sqrt(20 / (2 pi n))."""
    trainer = trainer_of(kind, tmp_path, max_completion_length=1, temperature=8.0, top_k=20, top_p=0.9)
    ids = prompt_ids(trainer)[0]
    with torch.no_grad():
        logits = trainer.model(torch.tensor([ids])).logits[0, -1] / 8.0
    likeliest = logits.topk(20)
    weights = likeliest.values.softmax(-1)
    weights = weights * (weights.cumsum(-1) - weights < 0.9)
    expected = torch.zeros_like(logits).scatter(0, likeliest.indices, weights / weights.sum())
    drawn = torch.tensor(trainer._generate_single_turn([ids] * 4000, None, {}, 4)[0]).flatten()
    shares = torch.bincount(drawn, minlength=len(expected)) / 4000
    assert expected.max() < 0.9, "hardly any chance in it"
    assert (shares[: len(expected)] - expected).abs().sum() / 2 < 2 * (20 / (2 * torch.pi * 4000)) ** 0.5


def test_a_seed_draws_the_same_and_each_step_anew(tmp_path: Path) -> None:
    trainer = trainer_of(Trainer, tmp_path, seed=5)

    def drawn() -> list[list[int]]:
        ids: list[list[int]] = trainer._generate_single_turn(prompt_ids(trainer), None, {}, 4)[0]
        return ids

    first = drawn()
    assert drawn() == first
    trainer.state.global_step = 1
    assert drawn() != first
    assert trainer_of(Trainer, tmp_path, seed=6)._generate_single_turn(prompt_ids(trainer), None, {}, 4)[0] != first


@pytest.mark.parametrize(
    "options", [{"generation_kwargs": {"min_new_tokens": 40}}, {"min_p": 0.1}, {"cache_implementation": "static"}]
)
def test_options_that_look_at_a_whole_call_are_left_to_trl(tmp_path: Path, options: dict[str, Any]) -> None:
    trainer = trainer_of(Trainer, tmp_path, **options)
    assert not trainer._shares_prompts()
    if "generation_kwargs" in options:
        ids, _ = trainer._generate_single_turn(prompt_ids(trainer), None, {}, 4)
        assert min(map(len, ids)) >= 40


def test_each_step_says_what_it_costs(tmp_path: Path) -> None:
    trainer = trainer_of(Trainer, tmp_path, gradient_accumulation_steps=2)
    trainer.train()
    records = [record for record in trainer.state.log_history if "loss" in record]
    assert len(records) == 2
    lengths = [len(ids) for ids in prompt_ids(trainer)[::4]]
    for record in records:
        seconds = {name: value for name, value in record.items() if name.startswith("cost/") and name.endswith("_s")}
        parts = {"prefill", "decode", "judge", "forward_backward", "preparation", "optimizer"}
        assert parts == {name.removeprefix("cost/").removesuffix("_s") for name in seconds}
        assert all(value > 0 for value in seconds.values())
        in_step = sum(seconds.values()) - seconds["cost/optimizer_s"]
        assert in_step == pytest.approx(record["step_time"], rel=0.05, abs=0.02)
        assert record["cost/prefill_tokens"] == sum(lengths)  # 16 completions, of each prompt 4
        assert record["cost/decode_tokens"] == pytest.approx(16 * record["completions/mean_length"])
        assert record["cost/peak_gib"] == pytest.approx(most_memory_gib(), rel=0.2)


def most_memory_gib() -> float:
    """By the kernel's own account of this process."""
    status = Path("/proc/self/status").read_text()
    return int(status.split("VmHWM:")[1].split()[0]) / 2**20


def lora(layers_from: int, model: Any) -> Any:
    return lora_config(LoraTable(r=4, layers_from=layers_from), model)


def kept(generate: Callable[..., Any], made: list[Any]) -> Callable[..., Any]:
    def generate_and_keep(*arguments: Any) -> Any:
        made.append(generate(*arguments))
        return made[-1]

    return generate_and_keep


def repeated(made: list[Any]) -> Callable[..., Any]:
    return lambda *_: made.pop(0)


@pytest.mark.parametrize("adapters", [False, True])
@pytest.mark.parametrize("options", [{}, {"num_iterations": 2, "beta": 0.1, "steps_per_generation": 2}])
def test_prompts_that_are_read_once_give_the_gradient_of_trl(
    tmp_path: Path, adapters: bool, options: dict[str, Any]
) -> None:
    """The same completions for both: after four updates the weights are the same but for rounding."""
    weights, tokens, made = [], [], list[Any]()
    for kind in (Trainer, GRPOTrainer):
        torch.manual_seed(1)
        config = lora(0, load_model(POCKET)) if adapters else None
        more = {"max_steps": 4, "learning_rate": 1e-2, "optim": "sgd", "max_completion_length": 27, **options}
        trainer = trainer_of(kind, tmp_path, temperature=2.0, peft_config=config, gradient_accumulation_steps=2, **more)
        trainer._generate_single_turn = kept(trainer._generate_single_turn, made) if kind is Trainer else repeated(made)
        if adapters:  # B begins at zero, and A's gradient with it
            for name, weight in trainer.model.named_parameters():
                if "lora_B" in name:
                    torch.nn.init.normal_(weight, std=0.02)
        before = [weight.detach().clone() for weight in trainer.model.parameters() if weight.requires_grad]
        trainer.train()
        after = [weight.detach() for weight in trainer.model.parameters() if weight.requires_grad]
        weights.append([new - old for new, old in zip(after, before, strict=True)])
        tokens.append([record.get("cost/forward_backward_tokens") for record in trainer.state.log_history])
    size = max(change.abs().max() for change in weights[1])
    assert size > 1e-5, "nothing was learned"
    for ours, theirs in zip(*weights, strict=True):
        assert (ours - theirs).abs().max() < 1e-3 * size
    assert tokens[0][0] < 16 * (max(map(len, prompt_ids(trainer))) + 27) * 0.85  # half of a group is in each batch


@pytest.mark.parametrize("checkpointing", [False, True])
@pytest.mark.parametrize("layers_from", [0, 2])
def test_the_backward_pass_ends_at_the_lowest_layer_that_learns(
    tmp_path: Path, layers_from: int, checkpointing: bool
) -> None:
    """The pocket model has layers 0 to 3; whose output gets a gradient is counted."""
    config = lora(layers_from, load_model(POCKET))
    trainer = trainer_of(Trainer, tmp_path, peft_config=config, gradient_checkpointing=checkpointing, max_steps=1)
    reached: set[int] = set()

    def watch(layer: int) -> Any:
        def see(_module: Any, _inputs: Any, output: Any) -> None:
            if output.requires_grad:
                output.register_hook(lambda gradient: reached.add(layer))

        return see

    layers = trainer.model.get_base_model().model.layers
    assert len(layers) == 4
    for number, layer in enumerate(layers):
        layer.register_forward_hook(watch(number))
    trainer.train()
    assert reached == set(range(layers_from, 4))
    assert trainer.model.is_gradient_checkpointing == checkpointing


def test_adapters_stand_in_the_layers_that_are_named_and_in_all_their_matrices() -> None:
    model = get_peft_model(load_model(POCKET), lora(2, load_model(POCKET)))
    places = {name.split(".layers.")[1].split(".lora_A")[0] for name, _ in model.named_parameters() if "lora_A" in name}
    matrices = ["self_attn.q_proj", "self_attn.k_proj", "self_attn.v_proj", "self_attn.o_proj"]
    matrices += ["mlp.gate_proj", "mlp.up_proj", "mlp.down_proj"]
    assert places == {f"{layer}.{matrix}" for layer in (2, 3) for matrix in matrices}
    with pytest.raises(UsageError, match=r"layers 0 to 3, got 4; .*--set lora.layers_from=2"):
        lora(4, load_model(POCKET))


@pytest.mark.parametrize(
    ("name", "below"),
    [
        ("model.layers.3.mlp.up_proj", True),
        ("model.layers.16.mlp.up_proj", False),
        ("model.layers.20.mlp.experts.3.up_proj", False),
        ("model.layers.4.mlp.experts.30.up_proj", True),
        ("transformer.h2.10.attn", True),
        ("lm_head", False),
    ],
)
def test_which_modules_stand_below_a_layer(name: str, below: bool) -> None:
    assert bool(re.fullmatch(_layers_below(16), name)) == below


def test_one_update_for_each_generation_needs_no_other_pass(tmp_path: Path) -> None:
    """The old log-probabilities are the new ones; with beta = 0 there is no reference model."""
    for options, other in (({}, False), ({"gradient_accumulation_steps": 2}, False), ({"num_iterations": 2}, True)):
        trainer = trainer_of(Trainer, tmp_path, max_steps=1, max_completion_length=8, **options)
        trainer.train()
        assert trainer.ref_model is None
        assert ("cost/other_passes_s" in trainer.state.log_history[0]) == other, options
