"""What an endpoint has answered, as a sample: it is read as it came, and counts like none where it cannot be read."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from lowres_code.generation.base import Sample

if TYPE_CHECKING:
    from openai.types.chat import ChatCompletion
    from openai.types.chat.chat_completion import Choice


class BrokenAnswerError(Exception):
    """An answer that is too long, too slow, or no chat completion."""


def completion_of(body: bytes) -> ChatCompletion:
    """The chat completion that these bytes are.

    Raises:
        BrokenAnswerError: they are none, or one without any text.
    """
    from openai.types.chat import ChatCompletion
    from pydantic import ValidationError

    try:
        answer = ChatCompletion.model_validate(json.loads(body))
    except (ValueError, RecursionError, ValidationError) as error:
        raise BrokenAnswerError(f"no chat completion: {body[:80]!r}") from error
    if not answer.choices:
        raise BrokenAnswerError("an answer without text")
    choice = answer.choices[0]
    if choice.message.content is None and not _thinking(choice) and choice.finish_reason != "length":
        raise BrokenAnswerError("an answer without text")
    return answer


def _thinking(choice: Choice) -> str:
    """What servers that take the thinking out of the text give beside it, under one of two names."""
    beside = choice.message.model_extra or {}
    thinking = beside.get("reasoning_content") or beside.get("reasoning")
    return thinking if isinstance(thinking, str) else ""


def sample_of(answer: ChatCompletion, key: int, number: int, seconds: float) -> Sample:
    """The sample of this number that it holds, for the request with this key; it took so many seconds."""
    choice = answer.choices[0]
    text = choice.message.content or ""
    if thinking := _thinking(choice):
        text = f"<think>\n{thinking}\n</think>\n{text}"
    tokens = answer.usage.completion_tokens if answer.usage else None
    return Sample(key, number, text, tokens, "length" if choice.finish_reason == "length" else "stop", seconds)
