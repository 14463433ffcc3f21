"""What a recipe may say. Every key has its meaning and its default here; keys that are not here are refused."""

from __future__ import annotations

from string import Formatter
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, WrapValidator, field_validator, model_validator

from lowres_code.completion import Output
from lowres_code.errors import near_match
from lowres_code.judge import MOST_WORKERS
from lowres_code.language.base import LIMIT_BOUNDS, Limits
from lowres_code.prompt import Prompt

DEFAULT_SYSTEM = "You write {title} programs that answer questions. {output} {guidance}"
MOST_SHOTS = 16


class Table(BaseModel):
    """A table of a recipe; unknown keys and wrong types are errors, nothing is converted silently."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True, allow_inf_nan=False)


class About(Table):
    """``[recipe]``: for people. It is not inherited: without a name of its own, a recipe has that of its file.

    Attributes:
        name: in tables and records.
        description: one line.
    """

    name: str = ""
    description: str = ""

    @model_validator(mode="before")
    @classmethod
    def _expected_is_data(cls, given: Any) -> Any:
        """What once was a text here; runs of that time have an empty one."""
        if not isinstance(given, dict) or "expected" not in given:
            return given
        if given["expected"] != "":
            raise ValueError('expected: results are data now: [[expected]], metric = "pass_at_1", value = 0.9')
        return {key: value for key, value in given.items() if key != "expected"}


class Expected(Table):
    """``[[expected]]``: a result that was had with just this recipe. It is not inherited, and no ``--set`` keeps it.

    Attributes:
        metric: a share of problems or samples, as in ``summary.json``.
        value: between 0 and 1.
        interval: its 95 % interval, low and high.
        stage: of which model of the run: before training, or after it.
        language: that the result is of; without one, of every language.
        model: if it was another than the recipe names, what was done to its weights for instance.
        seeds: that the result is the mean of.
        hardware: it was had on.
        commit: of this project.
        by: who measured it.
    """

    metric: Literal["pass_at_1", "any_of_n", "all_of_n", "greedy", "syntax", "runs"]
    value: float = Field(ge=0, le=1, strict=False)
    interval: list[Annotated[float, Field(ge=0, le=1, strict=False)]] | None = Field(
        default=None, min_length=2, max_length=2
    )
    stage: Literal["base", "sft", "trained"] = "trained"
    language: str | None = None
    model: str | None = None
    seeds: list[Annotated[int, Field(ge=0)]] = []
    hardware: str = ""
    commit: str = ""
    by: str = "this project"

    @model_validator(mode="after")
    def _value_is_in_its_interval(self) -> Expected:
        if self.interval is not None and not self.interval[0] <= self.value <= self.interval[1]:
            raise ValueError(f"interval: {self.interval} does not hold the value {self.value}")
        return self

    def __str__(self) -> str:
        share = f"{self.value:.3f}" + (f" [{self.interval[0]:.3f}, {self.interval[1]:.3f}]" if self.interval else "")
        seeds = f"seed{'s' * (len(self.seeds) > 1)} {', '.join(map(str, self.seeds))}" if self.seeds else ""
        about = (self.language, self.model, seeds, self.hardware, self.commit, self.by)
        return f"{self.metric} of the {self.stage} model {share} ({', '.join(filter(None, about))})"


class ModelTable(Table):
    """``[model]``: which model learns.

    Attributes:
        name: ``pocket`` (embedded), a folder, a ``.gguf`` file (dequantized), or a model on the Hugging Face hub.
        revision: of the model on the hub.
        device: by default the GPU if there is one.
        dtype: of the weights; by default bfloat16 on a GPU, else float32.
        load_in_4bit: quantize the base (NF4, QLoRA); needs a GPU.
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


class PromptTable(Table):
    """``[prompt]``: how a model is asked; ``shots`` of the language's worked examples come first.

    ``{title}`` and ``{guidance}`` are filled in with what the language says of itself, ``{output}`` with what asks for
    the form of ``output`` (``reasoning``: ``<reasoning>`` and then ``<code>``; ``code``: the latter alone; ``fence``: a
    fenced block), and in ``template``, the user's message, ``{question}``. A brace itself is written ``{{`` or ``}}``.
    """

    system: str = DEFAULT_SYSTEM
    template: str = "{question}"
    shots: int = Field(default=1, ge=0, le=MOST_SHOTS)
    output: Output = "reasoning"

    @field_validator("system")
    @classmethod
    def _system_can_be_filled(cls, text: str) -> str:
        _placeholders(text, ("title", "guidance", "output"))
        return text

    @field_validator("template")
    @classmethod
    def _template_asks_the_question(cls, text: str) -> str:
        if "question" not in _placeholders(text, ("title", "guidance", "output", "question")):
            raise ValueError("must hold {question}")
        return text

    def prompt(self) -> Prompt:
        """What asks a model so."""
        return Prompt(**self.model_dump())


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
    """``[limits]``: of each program (see `lowres_code.language.base.Limits`), the isolation, and programs at a time.

    Attributes:
        isolation: by default the strongest that works here; ``limits`` is hardly any, and never taken by itself.
        workers: programs at a time; by default one for each core.
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

    def limits(self) -> Limits:
        """The limits of one program."""
        return Limits(**self.model_dump(exclude={"isolation", "workers"}))


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


class EvalTable(Table):
    """``[eval]``: how the held-out problems are sampled, before and after training.

    Attributes:
        samples: of each problem.
        greedy: one sample more of each problem, at temperature 0.
        temperature, top_p: of the sampling.
        max_new_tokens: a completion is cut there.
        batch_size: completions at a time; by default found by trying.
        seed: of the sampling.
        every: measure the model while it trains as well, each time after so many steps.
    """

    samples: int = Field(default=4, gt=0)
    greedy: bool = False
    temperature: float = Field(default=1.0, ge=0, strict=False)
    top_p: float = Field(default=1.0, gt=0, le=1, strict=False)
    max_new_tokens: int = Field(default=1024, gt=0)
    batch_size: int | None = Field(default=None, gt=0)
    seed: int = 0
    every: int | None = Field(default=None, gt=0)


class SamplingTable(Table):
    """Which training problems are sampled, and how.

    ``problems`` is how many (by default all of ``[data.train]``), ``samples`` how many completions each gets.
    """

    problems: int | None = Field(default=None, gt=0)
    samples: int = Field(default=8, gt=0)
    temperature: float = Field(default=1.0, ge=0, strict=False)
    top_p: float = Field(default=1.0, gt=0, le=1, strict=False)
    max_new_tokens: int = Field(default=512, gt=0)


class SftTable(SamplingTable):
    """``[sft]``: a short supervised stage before GRPO, on programs that were judged right.

    ``source`` says whose they are:

    - ``"model"``: its own (rejection sampling, as in STaR, arXiv 2203.14465). It is asked as ``[sft.prompt]`` says, by
      default with one worked example, and learns to answer to ``[prompt]``, which may go without one.
    - ``"programs"``: those that the problems of ``[data.train]`` have as ``program``, with ``reasoning`` if they have
      that too.
    - ``"endpoint"``: another model's, ``served`` at the OpenAI-compatible ``url``, asked as ``[sft.prompt]`` says.

    Of each problem at most ``keep`` different programs are learned. With several ``rounds``, the model of one round
    writes for the next, asked with ``[prompt]``, for the problems that lack right programs; each round trains the base
    model anew, on all that is right so far. ``only`` leaves GRPO out. ``train`` holds options of TRL's ``SFTConfig`` by
    their own names.
    """

    source: Literal["model", "programs", "endpoint"] = "model"
    url: str | None = None
    served: str | None = None
    keep: int = Field(default=2, gt=0)
    rounds: int = Field(default=1, gt=0)
    only: bool = False
    prompt: PromptTable = PromptTable()
    train: dict[str, Any] = {}

    @model_validator(mode="after")
    def _endpoint_is_named(self) -> SftTable:
        named, needed = bool(self.url and self.served), self.source == "endpoint"
        if needed and not (named and str(self.url).startswith(("http://", "https://"))):
            raise ValueError('source = "endpoint" needs url = "http..." and served, the model as the endpoint names it')
        if not needed and (self.url or self.served):
            raise ValueError(f'url and served are for source = "endpoint", not {self.source!r}')
        return self


class SelectionTable(SamplingTable):
    """``[selection]``: train with GRPO only on problems that the model gets right sometimes, but not always.

    Sampled is the model that GRPO begins with, asked as in training. ``temperature`` should be that of ``[train]``.
    """


class Recipe(Table):
    """A whole recipe. ``train`` holds options of TRL's ``GRPOConfig`` by their own names.

    ``reward`` holds terms by name: ``NAME = WEIGHT``, or a table ``[reward.NAME]`` of a ``weight`` and options.

    A file may also hold two keys that say how it builds on another recipe, and that nothing remains of once it is read.
    ``extends`` names that recipe (a name, or a path as seen from the file). ``remove`` lists keys that are taken away
    from it before the file adds its own, as in ``["data.train.tasks.gcd", "data.train.weights", "lora"]``.
    """

    recipe: About = About()
    expected: list[Expected] = []
    model: ModelTable
    data: Data
    prompt: PromptTable = PromptTable()
    reward: dict[str, Weight] = Field(default={"correct": 1.0}, min_length=1)
    limits: LimitsTable = LimitsTable()
    sft: SftTable | None = None
    selection: SelectionTable | None = None
    train: dict[str, Any] = {}
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
