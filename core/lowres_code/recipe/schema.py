"""What a recipe may say. Every key has its meaning and its default here; keys that are not here are refused."""

from __future__ import annotations

from string import Formatter
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, field_validator

from lowres_code.errors import near_match
from lowres_code.judge import MOST_WORKERS
from lowres_code.language.base import LIMIT_BOUNDS, Limits

DEFAULT_SYSTEM = (
    "You write {title} programs that answer questions. First think inside <reasoning> and </reasoning>, then write "
    "one complete program inside <code> and </code>, and nothing else. {guidance}"
)


class Table(BaseModel):
    """A table of a recipe; unknown keys and wrong types are errors, nothing is converted silently."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True, allow_inf_nan=False)


class About(Table):
    """``[recipe]``: for people. It is not inherited: without a name of its own, a recipe has that of its file."""

    name: str = ""
    description: str = ""
    expected: str = ""


class ModelTable(Table):
    """``[model]``: which model learns.

    ``name`` is ``pocket`` (embedded), a folder, a ``.gguf`` file (dequantized), or a model on the Hugging Face hub.
    ``engine`` writes the completions of `lowres-code eval`; a training run, its evaluations too, is transformers'.
    """

    name: str
    revision: str | None = None
    device: Literal["auto", "cpu", "cuda"] = "auto"
    dtype: Literal["auto", "float32", "bfloat16", "float16"] = "auto"
    load_in_4bit: bool = False
    engine: Literal["transformers", "vllm"] = "transformers"


class DataTable(BaseModel):
    """``[data.train]``, ``[data.eval]``: where problems come from. Other keys are options of the source."""

    model_config = ConfigDict(extra="allow", strict=True, frozen=True)

    source: str
    size: int = Field(gt=0)
    seed: int | None = None

    @property
    def options(self) -> dict[str, Any]:
        """The keys that the source itself understands."""
        return dict(self.model_extra or {})


class Data(Table):
    """``[data]``."""

    train: DataTable
    eval: DataTable


class PromptTable(Table):
    """``[prompt]``: how a model is asked; ``shots`` is 0 or 1.

    ``{title}`` and ``{guidance}`` are filled in with what the language says of itself, and in ``template``, the user's
    message, ``{question}``. A brace itself is written ``{{`` or ``}}``.
    """

    system: str = DEFAULT_SYSTEM
    template: str = "{question}"
    shots: int = Field(default=1, ge=0, le=1)

    @field_validator("system")
    @classmethod
    def _system_can_be_filled(cls, text: str) -> str:
        _placeholders(text, ("title", "guidance"))
        return text

    @field_validator("template")
    @classmethod
    def _template_asks_the_question(cls, text: str) -> str:
        if "question" not in _placeholders(text, ("title", "guidance", "question")):
            raise ValueError("must hold {question}")
        return text


def _placeholders(text: str, allowed: tuple[str, ...]) -> list[str]:
    """The placeholders of a template.

    Raises:
        ValueError: it has others than those that are allowed, or cannot be filled.
    """
    hint = "a brace itself is written {{ or }}"
    try:
        names = [name for _, name, _, _ in Formatter().parse(text) if name is not None]
    except ValueError as error:
        raise ValueError(f"{error}; {hint}") from error
    for name in names:
        if name not in allowed:
            raise ValueError(f"no placeholder {{{name}}}; {near_match(name, allowed)}; {hint}")
    text.format_map(dict.fromkeys(allowed, ""))  # as it will be: a format such as {question:d} fails
    return names


_LIMITS = Limits()


def _limit(name: str) -> Any:
    least, most = LIMIT_BOUNDS[name]
    return Field(default=getattr(_LIMITS, name), ge=least, le=most, strict=name != "wall_s")


class LimitsTable(Table):
    """``[limits]``: of each program (see `lowres_code.language.base.Limits`), the isolation, and programs at a time."""

    inferences: int = _limit("inferences")
    cpu_s: int = _limit("cpu_s")
    memory_mb: int = _limit("memory_mb")
    output_kb: int = _limit("output_kb")
    file_kb: int = _limit("file_kb")
    processes: int = _limit("processes")
    wall_s: float = _limit("wall_s")
    reserve_mb: int = _limit("reserve_mb")
    isolation: Literal["auto", "namespaces", "landlock", "limits"] = "auto"
    workers: int | None = Field(default=None, ge=1, le=MOST_WORKERS)

    def limits(self) -> Limits:
        """The limits of one program."""
        return Limits(**self.model_dump(exclude={"isolation", "workers"}))


class LoraTable(Table):
    """``[lora]``: train low-rank adapters (arXiv 2106.09685) instead of all weights.

    ``layers_from``: adapters in this layer and those above it; layers count from 0. The backward pass ends there, so
    that half of the layers cost half of it.
    """

    r: int = Field(default=32, gt=0)
    alpha: int = Field(default=32, gt=0)
    dropout: float = Field(default=0.0, ge=0, lt=1, strict=False)
    target_modules: str | list[str] = "all-linear"
    layers_from: int = Field(default=0, ge=0)


class EvalTable(Table):
    """``[eval]``: how the held-out problems are sampled, before and after training.

    ``greedy`` adds one sample of each problem at temperature 0; ``batch_size`` is found by trying if it is not given;
    ``every`` measures the model while it trains as well, each time after so many steps.
    """

    samples: int = Field(default=4, gt=0)
    greedy: bool = False
    temperature: float = Field(default=1.0, ge=0, strict=False)
    top_p: float = Field(default=1.0, gt=0, le=1, strict=False)
    max_new_tokens: int = Field(default=1024, gt=0)
    batch_size: int | None = Field(default=None, gt=0)
    seed: int = 0
    every: int | None = Field(default=None, gt=0)


class Recipe(Table):
    """A whole recipe. ``train`` holds options of TRL's ``GRPOConfig`` by their own names.

    A file may also hold two keys that say how it builds on another recipe, and that nothing remains of once it is read.
    ``extends`` names that recipe (a name, or a path as seen from the file). ``remove`` lists keys that are taken away
    from it before the file adds its own, as in ``["data.train.tasks.gcd", "data.train.weights", "lora"]``.
    """

    recipe: About = About()
    model: ModelTable
    data: Data
    prompt: PromptTable = PromptTable()
    reward: dict[str, float] = Field(default={"correct": 1.0}, strict=False, min_length=1)
    limits: LimitsTable = LimitsTable()
    train: dict[str, Any] = {}
    lora: LoraTable | None = None
    eval: EvalTable = EvalTable()
