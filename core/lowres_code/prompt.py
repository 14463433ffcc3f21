"""From a problem to the messages that a model is asked with."""

from __future__ import annotations

from dataclasses import dataclass

from lowres_code._util.given import must_be
from lowres_code.completion import Output, format_completion
from lowres_code.errors import UsageError
from lowres_code.language.base import Example, Language

Message = dict[str, str]

# What a model is told about the form of its answer; {fence} is the language's first fence tag.
INSTRUCTIONS: dict[Output, str] = {
    "reasoning": "First think inside <reasoning> and </reasoning>, then write one complete program inside <code> and "
    "</code>, and nothing else.",
    "code": "Write one complete program inside <code> and </code>, and nothing else.",
    "fence": "Write one complete program in a fenced block that begins with ```{fence}, and nothing else.",
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
        must_be(language, Language, 'messages: the language must be as find_language("prolog") gives it')
        must_be(question, str, "messages: the question must be text")
        messages = [{"role": "system", "content": self._fill(self.system, language, "")}] if self.system else []
        for example in self._examples(language):
            messages += [
                {"role": "user", "content": self._fill(self.template, language, example.question)},
                {"role": "assistant", "content": self.completion(language, example.reasoning, example.program)},
            ]
        return [*messages, {"role": "user", "content": self._fill(self.template, language, question)}]

    def completion(self, language: Language, reasoning: str | None, program: str, query: str | None = None) -> str:
        """A completion in the form that this asks for."""
        return format_completion(reasoning, program.strip("\n"), query, self.output, language.fences)

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
        output = INSTRUCTIONS[self.output].format(fence=next(iter(language.fences), ""))
        try:
            return template.format(title=language.title, guidance=language.guidance, output=output, question=question)
        except (KeyError, IndexError, ValueError, AttributeError, TypeError) as error:
            raise UsageError(
                f"the prompt template {template!r} may hold {{title}}, {{guidance}}, {{output}} and {{question}} only "
                f"({error}); for a brace that is to stay one, write {{{{ or }}}}"
            ) from error
