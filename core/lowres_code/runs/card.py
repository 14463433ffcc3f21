"""The model card of what a run has trained: how it was trained and measured, from the run's own record."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import PurePath
from typing import Any

import tomli_w

from lowres_code.evaluation.compare import compare
from lowres_code.evaluation.folder import Summary
from lowres_code.recipe.schema import Recipe
from lowres_code.runs.directory import RunDirectory

_HUB_NAME = re.compile(r"[\w-][\w.-]{0,95}/[\w-][\w.-]{0,95}\Z")  # as the hub writes it; a path may look like this too

_FOLDERS = re.compile(
    r"(?:(?<=[\s=\"'])|(?<![\s\S]))~?/(?:[^/\s\"']*/)*"
)  # of an absolute path, at the start of a word


def model_card(run: RunDirectory, adapter: bool) -> str:
    """A ``README.md`` with the metadata of the hub.

    Args:
        run: whose model it is; what it did not measure is not in the card.
        adapter: whether it is for the adapter alone.
    """
    recipe = run.recipe()
    parts = [_metadata(recipe, run.env(), adapter), _training(run, recipe, adapter), _measured(run), _prompt(recipe)]
    return "\n".join([*parts, _again(recipe, run.env())])


def _metadata(recipe: Recipe, env: dict[str, Any], adapter: bool) -> str:
    from huggingface_hub import ModelCardData

    data = ModelCardData(
        base_model=recipe.model.name if _is_on_hub(recipe.model.name) else None,
        library_name="peft" if adapter else "transformers",
        pipeline_tag="text-generation",
        tags=["lowres-code", "grpo", "code", str(env["language"])],
    )
    return f"---\n{data.to_yaml()}\n---\n"


def _training(run: RunDirectory, recipe: Recipe, adapter: bool) -> str:
    status, language = run.status(), run.env()["language"]
    what = "A LoRA adapter for" if adapter else "All weights of"
    lora = f"LoRA (r = {recipe.lora.r})" if recipe.lora else "all weights"
    rewards = ", ".join(f"{name} {weight:g}" for name, weight in recipe.reward.items())
    bits = ", the base in 4 bits" if recipe.model.load_in_4bit else ""
    base = _short(recipe.model.name)
    return (
        f"# {base}, trained to write {language}\n\n{what} {base}, trained with "
        f"[GRPO](https://arxiv.org/abs/2402.03300) by lowres-code: programs were sampled, run, and rewarded.\n\n"
        f"- {status['step']} steps, {lora}{bits}, seed {run.env()['seed']}\n"
        f"- up to {recipe.data.train.size:,} problems of source `{recipe.data.train.source}`, none of them held out\n"
        f"- reward terms and weights: {rewards}\n"
    )


def _measured(run: RunDirectory) -> str:
    """The figures of all finished evaluations, and the paired gain."""
    base, trained = run.evaluation("base"), run.evaluation("trained")
    found = {"before training": base, "after training": trained}
    rows = [row for name, summary in found.items() if summary for row in _row(name, summary)]
    if not rows:
        return "## Measured\n\nThis run has no finished evaluation.\n"
    asked = (trained or base or next(iter(found.values()))).asked  # type: ignore[union-attr]  # there is a row
    lines = [
        *("## Measured", ""),
        f"Held-out problems, {asked.samples} samples of each at temperature {asked.temperature:g}, 95 % intervals.",
        *("", "| | problems | syntax | runs | pass@1 |", "|---|---|---|---|---|", *rows, ""),
    ]
    if base and trained and base.all and trained.all:
        [comparison] = compare(run.evaluation_folder("base"), [run.evaluation_folder("trained")], anyway=True)
        gain = comparison.all
        lines.append(f"Gain, the same problems, paired: {gain.difference}, p = {gain.p_value:.3g}.\n")
    return "\n".join(lines)


def _row(name: str, summary: Summary) -> Iterator[str]:
    if figures := summary.all:
        yield f"| {name} | {figures.problems} | {figures.syntax} | {figures.runs} | {figures.pass_at_1} |"


def _prompt(recipe: Recipe) -> str:
    prompt = recipe.prompt
    return (
        f"## Prompt\n\nIt was trained and measured with this prompt, filled in with the language's own words, and "
        f"{prompt.shots} worked examples. System:\n\n{_quoted(prompt.system)}\n\nUser:\n\n{_quoted(prompt.template)}\n"
    )


def _again(recipe: Recipe, env: dict[str, Any]) -> str:
    packages = ", ".join(f"{name} {version}" for name, version in env.get("packages", {}).items() if version)
    text = tomli_w.dumps(_without_paths(recipe.model_dump(exclude_none=True)))
    return (
        f"## To train it again\n\nThe recipe; paths of the machine are shortened to names. Made with {packages} on "
        f"{env.get('gpu') or 'a CPU'}.\n\n{_quoted(text, 'toml')}\n"
    )


def _quoted(text: str, kind: str = "text") -> str:
    """The text in a fence that is longer than any in it."""
    longest = max((len(run) for run in re.findall(r"`+", text)), default=0)
    fence = "`" * max(3, longest + 1)
    return f"{fence}{kind}\n{text.rstrip()}\n{fence}"


def _is_on_hub(name: str) -> bool:
    return bool(_HUB_NAME.match(name)) and not name.endswith(".gguf")


def _short(name: str) -> str:
    return name if _is_on_hub(name) else PurePath(name).name


def _without_paths(recipe: dict[str, Any]) -> dict[str, Any]:
    """A recipe without the folders of this machine; its prompt stays as it is."""
    kept = {name: table for name, table in recipe.items() if name not in ("recipe", "model", "data")}
    return {**kept, **{name: _shortened(recipe[name]) for name in ("recipe", "model", "data")}}


def _shortened(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _shortened(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [_shortened(inner) for inner in value]
    return _FOLDERS.sub("", value) if isinstance(value, str) else value
