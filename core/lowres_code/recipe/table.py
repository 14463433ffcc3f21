"""What all tables of a recipe have in common, and those that are for people."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator


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
