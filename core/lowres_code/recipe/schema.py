"""What a recipe may say. Every key has its meaning and its default here; keys that are not here are refused."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

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
    """``[recipe]``: for people."""

    name: str = ""
    description: str = ""
    expected: str = ""


class ModelTable(Table):
    """``[model]``: which model learns.

    ``name`` is ``pocket`` (embedded), a folder, or a model on the Hugging Face hub.
    """

    name: str
    revision: str | None = None
    dtype: Literal["auto", "float32", "bfloat16", "float16"] = "auto"
    load_in_4bit: bool = False


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
    """``[prompt]``: ``{title}``, ``{guidance}`` and ``{question}`` are filled in; ``shots`` is 0 or 1."""

    system: str = DEFAULT_SYSTEM
    template: str = Field(default="{question}", pattern=r"\{question\}")
    shots: int = Field(default=1, ge=0, le=1)


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
    """``[lora]``: train low-rank adapters (arXiv 2106.09685) instead of all weights."""

    r: int = Field(default=32, gt=0)
    alpha: int = Field(default=32, gt=0)
    dropout: float = Field(default=0.0, ge=0, lt=1, strict=False)
    target_modules: str | list[str] = "all-linear"


class EvalTable(Table):
    """``[eval]``: how the held-out problems are sampled, before and after training."""

    samples: int = Field(default=4, gt=0)
    temperature: float = Field(default=1.0, ge=0, strict=False)
    top_p: float = Field(default=1.0, gt=0, le=1, strict=False)
    max_new_tokens: int = Field(default=1024, gt=0)
    batch_size: int = Field(default=32, gt=0)
    seed: int = 0


class Recipe(Table):
    """A whole recipe. ``train`` holds options of TRL's ``GRPOConfig`` by their own names."""

    recipe: About = About()
    model: ModelTable
    data: Data
    prompt: PromptTable = PromptTable()
    reward: dict[str, float] = Field(default={"correct": 1.0}, strict=False, min_length=1)
    limits: LimitsTable = LimitsTable()
    train: dict[str, Any] = {}
    lora: LoraTable | None = None
    eval: EvalTable = EvalTable()
