"""Before a run: what can be known to go wrong is refused, and what it will take is told."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from textwrap import indent
from typing import TYPE_CHECKING, Any

from rich.console import Console
from rich.text import Text

from lowres_code.errors import UsageError
from lowres_code.generation.models import compute_dtype, device_of, load_config, load_tokenizer
from lowres_code.judge import Judge
from lowres_code.language.base import Language
from lowres_code.problem import Problem
from lowres_code.prompt import Message
from lowres_code.recipe.build import load_problems, started_judge
from lowres_code.recipe.rehearsal import rehearsal_table, rehearse, rehearsed_feedback
from lowres_code.recipe.schema import Recipe
from lowres_code.train.arguments import grpo_config, sft_config
from lowres_code.train.estimate import free_memory, matrix_speed, memory_bytes, sizes_of, step_of, step_seconds

if TYPE_CHECKING:
    from transformers import PretrainedConfig, PreTrainedTokenizerBase

_MEASURED = 32  # prompts, the longest by their characters, whose tokens are counted
_GIB = 2**30


def check_recipe(recipe: Recipe, language: Language, console: Console, seed: int = 0) -> None:
    """All that a run with this recipe begins with, without the model's weights.

    Raises:
        UsageError: a run could not work.
        JudgeError: the judge does not work.
    """
    with TemporaryDirectory() as folder, started_judge(recipe.limits, language, console) as judge:
        arguments = grpo_config(recipe.train, Path(folder), seed, recipe.reward_weights())
        if recipe.sft:
            sft_config(recipe.sft.train, Path(folder), seed)
        parts = [load_problems(recipe.data.train, "train", seed), load_problems(recipe.data.eval, "eval")]
        prompt = recipe.prompt.prompt()
        prompts = [prompt.messages(language, problem.question) for problems in parts for problem in problems]
        preflight(recipe, judge, load_tokenizer(recipe.model), arguments, prompts, console)


def preflight(
    recipe: Recipe,
    judge: Judge,
    tokenizer: PreTrainedTokenizerBase,
    arguments: Any,
    prompts: Sequence[list[Message]],
    console: Console,
) -> None:
    """Rehearse, check the lengths, and tell what a step takes.

    Args:
        recipe: of the run.
        judge: of its language.
        tokenizer: of its model.
        arguments: TRL's, from the recipe's ``[train]``.
        prompts: all that will be asked, in training and evaluation.
        console: receives the table and the estimate.

    Raises:
        UsageError: other completions would earn as much as right ones; a prompt and a completion are longer than the
            model's context; a completion as long as the worked example that is shown would be cut.
        JudgeError: the judge itself failed.
    """
    rehearsed = rehearse(recipe, judge)
    if rehearsed:
        console.print(rehearsal_table(rehearsed))
    if told := rehearsed_feedback(recipe, rehearsed):
        console.print(Text(f"What a model is told after a program that failed, for instance:\n{indent(told, '  ')}"))
    config = load_config(recipe.model)
    prompt = longest_prompt(tokenizer, prompts)
    errors = list(_length_errors(recipe, judge.language, tokenizer, config, prompt))
    if errors:
        raise UsageError("\n  ".join(["the recipe cannot work:", *errors]))
    _tell_estimate(recipe, arguments, config, prompt, console)


def _tell_estimate(recipe: Recipe, arguments: Any, config: PretrainedConfig, prompt: int, console: Console) -> None:
    device = device_of(recipe.model)
    dtype = compute_dtype(recipe.model, device)
    sizes, step = sizes_of(config, recipe.lora), step_of(recipe, arguments, prompt, dtype)
    needed, free = memory_bytes(sizes, step), free_memory(device)
    seconds = step_seconds(sizes, step, matrix_speed(device, dtype))
    here = f", of {free / _GIB:.1f} GiB that are free" if free else ""
    said = (
        f"A step of {step.completions} completions takes about {seconds:.1f} s, less where they end early, and "
        f"{needed / _GIB:.2f} GiB{here}: an estimate (train/estimate.py), for {sizes.parameters / 1e6:.1f} M "
        f"parameters, {sizes.trainable / 1e6:.1f} M of them trained, and prompts of at most {prompt} tokens"
    )
    console.print(Text(said))
    if free and needed > free:
        console.print(Text(f"Warning: that is more than is free: lower {_savings(recipe, arguments)}"))


def longest_prompt(tokenizer: PreTrainedTokenizerBase, prompts: Sequence[list[Message]]) -> int:
    """Tokens of the longest prompt, as the model gets it."""
    longest = sorted(prompts, key=lambda prompt: sum(len(message["content"]) for message in prompt))[-_MEASURED:]
    texts = [tokenizer.apply_chat_template(it, add_generation_prompt=True, tokenize=False) for it in longest]
    return max((_tokens(tokenizer, str(text)) for text in texts), default=0)


def _tokens(tokenizer: PreTrainedTokenizerBase, text: str) -> int:
    return len(tokenizer(text, add_special_tokens=False)["input_ids"])


def _length_errors(
    recipe: Recipe, language: Language, tokenizer: PreTrainedTokenizerBase, config: Any, prompt: int
) -> Iterator[str]:
    limits = {"eval.max_new_tokens": recipe.eval.max_new_tokens}
    limits["train.max_completion_length"] = recipe.train.get("max_completion_length", 256)  # TRL's own default
    context = getattr(config.get_text_config(), "max_position_embeddings", None)
    asked, shown = recipe.prompt.prompt(), language.examples[: recipe.prompt.shots]
    texts = [asked.completion(language, one.reasoning, one.program) for one in shown]
    example = max((_tokens(tokenizer, text) for text in texts), default=0)
    for name, most in limits.items():
        if context and prompt + most > context:
            yield (
                f"{name} = {most}: with the longest prompt of {prompt} tokens that is more than the model's context of "
                f"{context}; lower it, or ask for less (prompt.shots, prompt.system)"
            )
        if most < example:
            yield (
                f"{name} = {most}: a worked example that the prompt shows takes {example} tokens, and would be cut; "
                f"raise it to {example + example // 2}, or show none (prompt.shots = 0)"
            )


def _savings(recipe: Recipe, arguments: Any) -> str:
    ways = ["train.per_device_train_batch_size", "train.max_completion_length"]
    ways += [] if arguments.gradient_checkpointing else ["or set train.gradient_checkpointing = true"]
    ways += [] if recipe.lora else ["or train adapters ([lora])"]
    return ", ".join(ways)


def without_held_out(problems: list[Problem], held_out: list[Problem]) -> list[Problem]:
    """The training problems; none may be held out.

    Raises:
        UsageError: a question is in both.
    """
    questions = {" ".join(problem.question.split()) for problem in held_out}
    both = [problem for problem in problems if " ".join(problem.question.split()) in questions]
    if both:
        raise UsageError(
            f"{len(both)} of {len(problems)} training questions are also held out, the first is {both[0].id!r}: "
            f"{both[0].question[:80]!r}; choose another split in [data.train] or [data.eval]"
        )
    return problems
