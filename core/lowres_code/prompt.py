"""From a problem to the messages that a model is asked with."""

from __future__ import annotations

from lowres_code.completion import format_completion
from lowres_code.errors import UsageError
from lowres_code.language.base import Language

Message = dict[str, str]


def build_prompt(language: Language, question: str, system: str, template: str, shots: int) -> list[Message]:
    """The chat messages for one question.

    Args:
        language: gives ``{title}`` and ``{guidance}``, and the worked example.
        question: fills ``{question}``.
        system: template of the system message; empty for none.
        template: template of the user's message.
        shots: with 1, the language's worked example comes first, as an exchange.

    Raises:
        UsageError: a template has an unknown placeholder, or the language has no example to show.
    """
    messages = [{"role": "system", "content": _fill(system, language, "")}] if system else []
    if shots:
        example = language.example
        if example is None:
            raise UsageError(
                f"language {language.name!r} has no worked example: give it one ([example] in its file), "
                "or --set prompt.shots=0"
            )
        messages += [
            {"role": "user", "content": _fill(template, language, example.question)},
            {"role": "assistant", "content": format_completion(example.reasoning, example.program)},
        ]
    return [*messages, {"role": "user", "content": _fill(template, language, question)}]


def _fill(template: str, language: Language, question: str) -> str:
    try:
        return template.format(title=language.title, guidance=language.guidance, question=question)
    except (KeyError, IndexError, ValueError, AttributeError, TypeError) as error:
        raise UsageError(
            f"the prompt template {template!r} may hold {{title}}, {{guidance}} and {{question}} only ({error}); "
            "for a brace that is to stay one, write {{ or }}"
        ) from error
