"""Answers of several turns in training: a program that failed, what the model is told of it, and the next one.

All turns of a sample are one sequence of tokens behind its prompt, just as they were written and read; a mask says
which are the model's own. What it was told is read, but nothing is learned of it. Chats are put together from tokens,
not from text again: what is trained on is what was sampled.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, field
from itertools import takewhile
from typing import Any

from lowres_code.errors import UsageError
from lowres_code.evaluation.record import TurnRecord, judged_turn
from lowres_code.judge import Judge
from lowres_code.judgement import Judgement
from lowres_code.problem import Problem
from lowres_code.prompt import Message
from lowres_code.recipe.stages import RolloutTable
from lowres_code.reward import RewardTerm
from lowres_code.train.processes import Processes

Tokens = list[int]
Render = Callable[[list[Message]], Tokens]
Write = Callable[[list[Tokens], int], tuple[list[Tokens], list[list[float]] | None]]


@dataclass(slots=True, eq=False)
class Conversation:
    """One sample, as far as it is.

    Attributes:
        prompt: tokens of the question; row: of its problem.
        tokens: behind the prompt; own: 1 for each of them that the model has written, 0 for the others.
        log_probs: of the tokens when they were drawn, 0 for the others; empty if nobody told.
        turns: what is written down of each; the last one has the verdict of ``judgement``.
        judge_s: seconds of judging.
    """

    prompt: Tokens
    row: int
    tokens: Tokens = field(default_factory=list)
    own: list[int] = field(default_factory=list)
    log_probs: list[float] = field(default_factory=list)
    turns: list[TurnRecord] = field(default_factory=list)
    judgement: Judgement | None = None
    judge_s: float = 0.0

    def add(self, tokens: Tokens, own: bool, log_probs: Sequence[float] = ()) -> None:
        """Go on with these tokens."""
        self.tokens += tokens
        self.own += [int(own)] * len(tokens)
        self.log_probs += log_probs or [0.0] * len(tokens)


class ChatTokens:
    """What a chat of several turns is in tokens, for one model."""

    def __init__(self, render: Render, read: Callable[[Tokens], str], ends: Collection[int], room: float) -> None:
        """Args:
            render: gives the tokens of a chat, up to where the model's answer begins.
            read: gives the text of an answer.
            ends: tokens that end an answer.
            room: tokens that a chat may have before an answer.

        Raises:
            UsageError: the chat template does not end an answer with one of the tokens.
        """
        self._render, self.read, self._ends, self.room = render, read, frozenset(ends), room
        pairs = zip(self._chat("0"), self._chat("1"), strict=False)
        alike = [token for token, other in takewhile(lambda pair: pair[0] == pair[1], pairs)]
        places = [place for place, token in enumerate(alike) if token in self._ends]
        if not places:
            raise UsageError(
                "rollout.turns: the chat template of this model does not end an answer with a token that ends a "
                "completion, so that later turns cannot be trained: --set rollout.turns=1"
            )
        self._end = places[-1]  # of the answer in `_chat`; what stands before it is always the same

    def ended(self, answer: Tokens) -> bool:
        """Whether the model has ended an answer; if not, it was cut."""
        return bool(answer) and answer[-1] in self._ends

    def reply(self, answer: Tokens, feedback: str) -> Tokens:
        """What follows an answer, up to where the next begins; one that was cut is ended first."""
        return self._chat(feedback)[self._end + self.ended(answer) :]

    def _chat(self, feedback: str) -> Tokens:
        said = {"user": "?", "assistant": "."}
        messages = [{"role": role, "content": content} for role, content in said.items()]
        return self._render([*messages, {"role": "user", "content": feedback}])


@dataclass(frozen=True, slots=True)
class Repair:
    """How a model tries again in training.

    Attributes:
        judge: of the language.
        problems: by their row in the data set that TRL trains on.
        table: how often, and what the model is told.
        terms: of the reward; one may need every test.
    """

    judge: Judge
    problems: Sequence[Problem]
    table: RolloutTable
    terms: Sequence[RewardTerm[Any]] = ()

    def converse(
        self, prompts: Sequence[Tokens], rows: Sequence[int], write: Write, chat: ChatTokens
    ) -> list[Conversation]:
        """A conversation for each prompt.

        Args:
            prompts: as tokens.
            rows: of their problems.
            write: has the model write an answer to each of some chats, in a turn.
            chat: the model's.
        """
        made = [Conversation(prompt, row) for prompt, row in zip(prompts, rows, strict=True)]
        going = made
        for turn in range(1, self.table.turns + 1):
            answers, log_probs = write([it.prompt + it.tokens for it in going], turn)
            for place, (it, answer) in enumerate(zip(going, answers, strict=True)):
                it.add(answer, True, log_probs[place] if log_probs else ())
            self._judge(going, answers, chat)
            going = [it for it, answer in zip(going, answers, strict=True) if _goes_on(it, answer, chat)]
            if not going:
                break
        return made

    def _judge(self, going: Sequence[Conversation], answers: Sequence[Tokens], chat: ChatTokens) -> None:
        """Judge the answers, and write their turns down with what is said to each."""
        began, problems = time.monotonic(), [self.problems[it.row] for it in going]
        every_test = any(term.needs_every_test for term in self.terms)
        judgements = self.judge.judge([chat.read(answer) for answer in answers], problems, every_test)
        seconds = (time.monotonic() - began) / len(going)
        for it, answer, problem, judgement in zip(going, answers, problems, judgements, strict=True):
            another = len(it.turns) + 1 < self.table.turns
            told = self.table.told().message(judgement, problem) if another else None
            said = {"feedback": told} if told else {}
            it.turns.append(judged_turn(judgement, tokens=len(answer), cut=not chat.ended(answer), **said))
            it.judgement, it.judge_s = judgement, it.judge_s + seconds


def must_turn_alone(table: RolloutTable, processes: Processes, vllm: bool) -> None:
    """See that no process has to wait for another in a turn.

    Raises:
        UsageError: processes that share a model or a vLLM would have to make equally many turns, and they do not.
    """
    if table.turns > 1 and processes.count > 1 and (processes.split or vllm):
        raise UsageError(
            f"rollout.turns = {table.turns} needs the whole model in each process, and here several share one: train "
            "in one process, or --set rollout.turns=1"
        )


def _goes_on(it: Conversation, answer: Tokens, chat: ChatTokens) -> bool:
    """Say to a model what there is to say, if there is room for another answer."""
    if not (feedback := it.turns[-1].feedback):
        return False
    reply = chat.reply(answer, feedback)
    if len(it.prompt) + len(it.tokens) + len(reply) > chat.room:
        return False
    it.add(reply, False)
    return True
