"""From a problem to the messages that a model is asked with."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from lowres_code.completion import format_completion
from lowres_code.errors import UsageError
from lowres_code.language.base import Example, Language

Message = dict[str, str]
Output = Literal["reasoning", "code", "fence"]


@dataclass(frozen=True, slots=True)
class OutputForm:
    """A form in which a model is asked to write.

    Attributes:
        instruction: what a model is told; may hold ``{fence}``, the language's first fence tag.
        write: how a worked example looks in it.
    """

    instruction: str
    write: Callable[[Language, Example], str]


OUTPUTS: dict[Output, OutputForm] = {
    "reasoning": OutputForm(
        "First think inside <reasoning> and </reasoning>, then write one complete program inside <code> and </code>, "
        "and nothing else.",
        lambda _, example: format_completion(example.reasoning, example.program),
    ),
    "code": OutputForm(
        "Write one complete program inside <code> and </code>, and nothing else.",
        lambda _, example: f"<code>\n{example.program.strip()}\n</code>",
    ),
    "fence": OutputForm(
        "Write one complete program in a fenced block that begins with ```{fence}, and nothing else.",
        lambda language, example: f"```{language.fences[0]}\n{example.program.strip()}\n```",
    ),
}


@dataclass(frozen=True, slots=True)
class Prompt:
    """How a model is asked.

    Attributes:
        system: template of the system message; empty for none.
        template: template of the user's message.
        shots: so many of the language's worked examples come first, each as an exchange.
        output: the form in which the worked examples are written, and which ``{output}`` asks for.
    """

    system: str
    template: str = "{question}"
    shots: int = 0
    output: Output = "reasoning"

    def messages(self, language: Language, question: str) -> list[Message]:
        """The chat messages for one question.

        Args:
            language: gives ``{title}``, ``{guidance}`` and the worked examples.
            question: fills ``{question}``.

        Raises:
            UsageError: a template has an unknown placeholder, or the language has too few examples to show.
        """
        messages = [{"role": "system", "content": self._fill(self.system, language, "")}] if self.system else []
        for example in self._examples(language):
            messages += [
                {"role": "user", "content": self._fill(self.template, language, example.question)},
                {"role": "assistant", "content": OUTPUTS[self.output].write(language, example)},
            ]
        return [*messages, {"role": "user", "content": self._fill(self.template, language, question)}]

    def _examples(self, language: Language) -> tuple[Example, ...]:
        there = len(language.examples)
        if self.shots > there:
            has = {0: "no worked example", 1: "one worked example"}.get(there, f"{there} worked examples")
            raise UsageError(
                f"language {language.name!r} has {has}, and the prompt shows {self.shots}: give it more ([[examples]] "
                f"in its file), or --set prompt.shots={there}"
            )
        return language.examples[: self.shots]

    def _fill(self, template: str, language: Language, question: str) -> str:
        output = OUTPUTS[self.output].instruction.format(fence=next(iter(language.fences), ""))
        try:
            return template.format(title=language.title, guidance=language.guidance, output=output, question=question)
        except (KeyError, IndexError, ValueError, AttributeError, TypeError) as error:
            raise UsageError(
                f"the prompt template {template!r} may hold {{title}}, {{guidance}}, {{output}} and {{question}} only "
                f"({error}); for a brace that is to stay one, write {{{{ or }}}}"
            ) from error
