"""The tables that say how a model is asked: in training, in evaluations, and in the stages before training."""

from __future__ import annotations

from string import Formatter
from typing import Any, Literal

from pydantic import Field, field_validator, model_validator

from lowres_code.completion import Output
from lowres_code.errors import near_match
from lowres_code.feedback import PLACEHOLDERS, Feedback
from lowres_code.prompt import Prompt
from lowres_code.recipe.table import Table

DEFAULT_SYSTEM = "You write {title} programs that answer questions. {output} {guidance}"
DEFAULT_FEEDBACK = (
    "{verdict}\n{diagnostics}\n{output}\nWrite your whole answer again, in the same form, with a program that works."
)
MOST_SHOTS = 16
MOST_TURNS = 16


class PromptTable(Table):
    """``[prompt]``: how a model is asked.

    ``{title}`` and ``{guidance}`` are filled in with what the language says of itself, ``{output}`` with what asks for
    the form of ``output``, and in ``template`` ``{question}``. A brace itself is written ``{{`` or ``}}``.

    Attributes:
        system: the system's message; empty for none.
        template: the user's message.
        shots: so many of the language's worked examples come first, the simplest before the others.
        output: ``reasoning``: ``<reasoning>`` and then ``<code>``; ``code``: the latter alone; ``fence``: a fenced
            block.
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


class RolloutTable(Table):
    """``[rollout]``: how often a model may try, in training and in evaluations.

    After a program that failed the model reads ``feedback`` and answers again. ``{verdict}`` is a sentence that says
    how the program ended, ``{diagnostics}`` the messages of the language's tools, ``{output}`` what it printed; lines
    that are left empty go, and a brace itself is written ``{{`` or ``}}``. What is right is in none of them. A sample
    is what its last turn is; in training, too, that one earns the reward, and only what the model wrote is learned.
    ``eval.max_new_tokens`` and ``train.max_completion_length`` are of each turn.

    Attributes:
        turns: answers that a model may give to one problem, at most.
        feedback: the user's message after a program that failed.
        longest: characters that the program and its tools have in such a message.
        tell_wrong: tell a model as well that an answer is not right, and let it try again. By default the first
            program that gives an answer ends the conversation, right or wrong: who uses a model has no one to ask.
        discount: in training, what a right program earns is multiplied by this for each turn after the first.
    """

    turns: int = Field(default=1, ge=1, le=MOST_TURNS)
    feedback: str = DEFAULT_FEEDBACK
    longest: int = Field(default=1_000, ge=40, le=20_000)
    tell_wrong: bool = False
    discount: float = Field(default=1.0, gt=0, le=1, strict=False)

    @field_validator("feedback")
    @classmethod
    def _feedback_says_what_is_wrong(cls, text: str) -> str:
        if not {"verdict", "diagnostics"} & {*_placeholders(text, PLACEHOLDERS)}:
            raise ValueError("must hold {verdict} or {diagnostics}")
        return text

    def least_share(self) -> float:
        """The share of its reward that a right program earns in the last turn."""
        return self.discount ** (self.turns - 1)

    def told(self) -> Feedback:
        """What tells a model so."""
        return Feedback(self.feedback, self.tell_wrong, self.longest)


class EvalTable(Table):
    """``[eval]``: how the held-out problems are sampled, before and after training.

    Attributes:
        samples: of each problem.
        greedy: one sample more of each problem, at temperature 0.
        fraction: tell the share of tests that a program passes; then all tests of a problem are run, and not only those
            up to the first that fails.
        temperature, top_p: of the sampling.
        max_new_tokens: a completion is cut there.
        batch_size: completions at a time; by default found by trying.
        seed: of the sampling.
        every: measure the model while it trains as well, each time after so many steps.
        metamorphic: run right programs again with other names, and with the numbers of another question: do they
            follow? For languages that offer an analysis; an evaluation that is there is completed, nothing is sampled.
    """

    samples: int = Field(default=4, gt=0)
    greedy: bool = False
    fraction: bool = False
    temperature: float = Field(default=1.0, ge=0, strict=False)
    top_p: float = Field(default=1.0, gt=0, le=1, strict=False)
    max_new_tokens: int = Field(default=1024, gt=0)
    batch_size: int | None = Field(default=None, gt=0)
    seed: int = 0
    every: int | None = Field(default=None, gt=0)
    metamorphic: bool = False


class SamplingTable(Table):
    """Which training problems are sampled, and how.

    Attributes:
        problems: how many; by default all of ``[data.train]``.
        samples: completions of each.
        temperature, top_p: of the sampling.
        max_new_tokens: a completion is cut there.
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

    With several ``rounds``, the model of one round writes for the next, asked with ``[prompt]``, for the problems that
    lack right programs; each round trains the base model anew, on all that is right so far.

    Attributes:
        source: whose programs.
        url: of the endpoint; a key is taken from ``OPENAI_API_KEY``.
        served: the endpoint's name for its model.
        keep: different programs of each problem that are learned, at most.
        rounds: how often the model writes and learns.
        only: leave GRPO out.
        prompt: how the writer is asked, as ``[prompt]``.
        train: options of TRL's ``SFTConfig`` by their own names.
    """

    source: Literal["model", "programs", "endpoint"] = "model"
    url: str | None = None
    served: str | None = None
    keep: int = Field(default=2, gt=0)
    rounds: int = Field(default=1, gt=0)
    only: bool = False
    prompt: PromptTable = PromptTable()
    train: dict[str, Any] = Field(default={})

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


class StopTable(Table):
    """``[stop]``: end GRPO before ``train.max_steps``, when the mean of a metric over some steps says so.

    Attributes:
        metric: of ``metrics.jsonl``; more of it is better. It is of training problems, never of held-out ones.
        window: steps that are averaged.
        enough: stop as soon as the mean is this much.
        patience: stop when the best mean has not been surpassed for so many steps.
    """

    metric: str = "share/correct"
    window: int = Field(default=10, gt=0)
    enough: float | None = Field(default=None, strict=False)
    patience: int | None = Field(default=None, gt=0)

    @model_validator(mode="after")
    def _there_is_a_reason(self) -> StopTable:
        if self.enough is None and self.patience is None:
            raise ValueError("needs enough or patience: when to stop")
        return self
