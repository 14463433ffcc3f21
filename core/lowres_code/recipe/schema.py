"""What a recipe may say. Every key has its meaning and its default here; keys that are not here are refused."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, WrapValidator, field_validator

from lowres_code.asked import MOST_WORKERS
from lowres_code.language.base import LIMIT_BOUNDS, Limits
from lowres_code.recipe.stages import EvalTable, PromptTable, RolloutTable, SelectionTable, SftTable, StopTable
from lowres_code.recipe.table import About, Expected, Table


class ModelTable(Table):
    """``[model]``: which model learns.

    Attributes:
        name: ``pocket`` (embedded), a folder, a ``.gguf`` file (dequantized), or a model on the Hugging Face hub.
        revision: of the model on the hub.
        device: by default the GPU if there is one.
        dtype: of the weights; by default bfloat16 on a GPU, else float32.
        load_in_4bit: quantize the base (NF4, QLoRA); slow without a GPU.
        engine: what writes the completions of `lowres-code eval`; in a run, evaluations included, it is transformers.
    """

    name: str
    revision: str | None = None
    device: Literal["auto", "cpu", "cuda"] = "auto"
    dtype: Literal["auto", "float32", "bfloat16", "float16"] = "auto"
    load_in_4bit: bool = False
    engine: Literal["transformers", "vllm"] = "transformers"


class DataTable(BaseModel):
    """``[data.train]``, ``[data.eval]``: where problems come from. Other keys are options of the source.

    Without a ``source``, ``[data.eval]`` takes that of ``[data.train]`` with its options. No question is in both.

    Attributes:
        source: the name of a source.
        size: how many problems, at most.
        seed: chooses them; by default the run's for training, and 0 for evaluation.
    """

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


_LIMITS = Limits()


def _limit(name: str) -> Any:
    least, most = LIMIT_BOUNDS[name]
    return Field(default=getattr(_LIMITS, name), ge=least, le=most, strict=name != "wall_s")


class RewardTable(BaseModel):
    """``[reward.NAME]``: how much a term weighs. Other keys are options of the term."""

    model_config = ConfigDict(extra="allow", frozen=True, allow_inf_nan=False)

    weight: float

    @property
    def options(self) -> dict[str, Any]:
        """The keys that the term itself understands."""
        return dict(self.model_extra or {})


def _weight_or_table(value: object, _: object) -> float | RewardTable:
    """One or the other, so that what is wrong is said of that one alone."""
    if isinstance(value, (dict, RewardTable)):
        return RewardTable.model_validate(value)
    return _WEIGHT.validate_python(value)


_WEIGHT: TypeAdapter[float] = TypeAdapter(float, config=ConfigDict(strict=True, allow_inf_nan=False))
Weight = Annotated[float | RewardTable, WrapValidator(_weight_or_table)]


class LimitsTable(Table):
    """``[limits]``: of each program (see `lowres_code.limits.Limits`), the isolation, and programs at a time.

    A problem may ask for less by ``limits`` of its own, and never for more.

    Attributes:
        isolation: by default the strongest that works here; ``limits`` is hardly any, and never taken by itself.
        workers: programs at a time; by default one for each core.
        judge: addresses of served judges (``lowres-code serve``) that run the programs instead of this machine.
    """

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
    judge: list[str] = Field(default=[])

    def limits(self) -> Limits:
        """The limits of one program."""
        return Limits(**self.model_dump(exclude={"isolation", "workers", "judge"}))


class LoraTable(Table):
    """``[lora]``: train low-rank adapters (arXiv 2106.09685) instead of all weights.

    Attributes:
        r: the rank.
        alpha: the adapters' part is scaled by alpha / r.
        dropout: of the adapters' input.
        target_modules: names of modules, or a regular expression of whole names, or ``all-linear``.
        layers_from: adapters in this layer and those above it; layers count from 0. The backward pass ends there, so
            that half of the layers cost half of it.
    """

    r: int = Field(default=32, gt=0)
    alpha: int = Field(default=32, gt=0)
    dropout: float = Field(default=0.0, ge=0, lt=1, strict=False)
    target_modules: str | list[str] = "all-linear"
    layers_from: int = Field(default=0, ge=0)


class Recipe(Table):
    """A whole recipe. ``train`` holds options of TRL's ``GRPOConfig`` by their own names.

    ``reward`` holds terms by name: ``NAME = WEIGHT``, or a table ``[reward.NAME]`` of a ``weight`` and options.

    A file may also hold two keys that say how it builds on another recipe, and that nothing remains of once it is read.
    ``extends`` names that recipe (a name, or a path as seen from the file). ``remove`` lists keys that are taken away
    from it before the file adds its own, as in ``["data.train.tasks.gcd", "data.train.weights", "lora"]``.
    """

    recipe: About = About()
    expected: list[Expected] = Field(default=[])
    model: ModelTable
    data: Data
    prompt: PromptTable = PromptTable()
    rollout: RolloutTable = RolloutTable()
    reward: dict[str, Weight] = Field(default={"correct": 1.0}, min_length=1)
    limits: LimitsTable = LimitsTable()
    sft: SftTable | None = None
    selection: SelectionTable | None = None
    stop: StopTable | None = None
    train: dict[str, Any] = Field(default={})
    lora: LoraTable | None = None
    eval: EvalTable = EvalTable()

    @property
    def ends_with_sft(self) -> bool:
        """Whether there is no GRPO after the supervised stage."""
        return self.sft is not None and self.sft.only

    @field_validator("reward")
    @classmethod
    def _tables_come_last(cls, terms: dict[str, Weight]) -> dict[str, Weight]:
        """As TOML writes them: a run that goes on from its own recipe adds the terms up in the same order."""
        return dict(sorted(terms.items(), key=lambda term: isinstance(term[1], RewardTable)))

    def reward_weights(self) -> list[float]:
        """The weights of the reward terms, in their order."""
        return [term.weight if isinstance(term, RewardTable) else term for term in self.reward.values()]
