"""Programs that mean harm, and the outcome that each must have.

They are in ``hostile/``, by what they go for. In its ``.txt`` files a program begins after a line
``%%%% NAME STATUS`` or ``%%%% NAME ok, ANSWER`` (an ``ok`` alone: the answer is the empty text); alternatives, where
the outcome is open by nature, are parted by `` | `` and explained in the program. What comes before the first heading
is a title. Programs in which bytes or sizes matter are made here. ``@PORT@`` and the like stand for what `Outside` has
put where no program may reach it.

The expected statuses are those of a program under plain ``swipl FILE``, with limits: they are never adapted to the
judge; where it differs, `DIFFERS` says why.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from lowres_code.language.base import Status

CORPUS = Path(__file__).with_name("hostile")
PAIRS = "state"  # the file whose programs run in order, in one worker
NEST = "nest(0, a) :- !.\nnest(N, f(T)) :- M is N - 1, nest(M, T).\n"

# Where the judge gives another outcome than plain Prolog would under limits, which one, and why nobody gains by it.
DIFFERS = {
    "bytes:answer_that_is_no_text": (
        "runtime_error",
        "format/3 refuses half a surrogate pair where a terminal would show something",
    ),
    "ending:at_halt_with_a_loop": ("no_answer", "the limit of inferences ends the loop, and then Prolog halts"),
    "ending:halt_in_thread": (
        "runtime_error",
        "Prolog aborts its main thread to halt, and that is all that can be seen",
    ),
    "forging:system_format_wrapped": ("ok, forged", "the answer is the program's own, written its own way"),
    "processes:foreign_abort": ("memory_limit", "abort() is also how allocators give up"),
    "resources:loop_in_exception_hook": ("ok, 1", "there is no debugger, and so no such hook"),
    "resources:loop_under_a_limit_of_its_own": (
        "ok, inference_limit_exceeded",
        "the inner limit takes the outer one's exception for its own",
    ),
    "resources:memory_without_garbage_collection": (
        "runtime_error",
        "Prolog maps the exception to an abort, which tells no reason",
    ),
}

_HEADING = re.compile(r"^%%%% (\S+) (.+)\n", re.MULTILINE)

Outcome = tuple[str, str | None]


@dataclass(frozen=True, slots=True)
class Program:
    """A hostile program and the outcomes, a status and an answer, of which it must have one."""

    name: str
    text: str
    outcomes: tuple[Outcome, ...]


def read_outcomes(text: str) -> tuple[Outcome, ...]:
    """The outcomes of a heading: ``timeout | ok, 1`` are two."""
    outcomes: list[Outcome] = []
    for part in text.split(" | "):
        status, _, answer = part.partition(", ")
        outcomes.append((Status(status).value, answer if status == Status.OK.value else None))
    return tuple(outcomes)


def read_corpus() -> Iterator[Program]:
    """The programs in files, by the name ``FILE:NAME``."""
    for path in sorted(CORPUS.glob("*.txt")):
        pieces = iter(_HEADING.split(path.read_text(encoding="utf-8"))[1:])
        for name, outcomes, text in zip(pieces, pieces, pieces, strict=True):
            yield Program(f"{path.stem}:{name}", text.rstrip("\n") + "\n", read_outcomes(outcomes))


def nested(before: str, middle: str, after: str, depth: int) -> str:
    """A text within a text within a text."""
    return before * depth + middle + after * depth


def made_programs() -> Iterator[Program]:
    """Programs in which single bytes or sizes matter; a byte that is no UTF-8 is a lone surrogate, as Python has it."""
    megabyte = 2**20
    replaced = "\N{REPLACEMENT CHARACTER}" * 3  # what a reader makes of a surrogate's three bytes
    made = {
        "empty runtime_error": "",
        "only_newlines runtime_error": "\n" * 1000,
        "only_a_nul syntax_error": "\0",
        "nul_within_a_name syntax_error": "sol\0ve(1).\n",
        "nul_between_clauses syntax_error": "helper(1).\n\0\nsolve(X) :- X = = 1.\n",
        "nul_within_quotes ok, 4\0002": "solve('4\0002').\n",
        "no_utf8_within_quotes ok, \N{REPLACEMENT CHARACTER}": "solve('\udcff').\n",
        "no_utf8_within_a_comment ok, 1": "% \udcff\udc80\nsolve(1).\n",
        "no_utf8_at_the_end ok, 1": "solve(1).\n% \udce2\udc82",
        "utf16_with_a_mark ok, 1": "solve(1).\n".encode("utf-16").decode("utf-8", "surrogateescape"),
        "bytes_of_a_program_that_is_none syntax_error": bytes(range(256)).decode("utf-8", "surrogateescape"),
        "answer_that_is_no_text ok, " + replaced: "solve(X) :- atom_codes(X, [0xD800]).\n",
        "ten_megabytes_of_comment ok, 1": f"/* {'x' * 10 * megabyte} */\nsolve(1).\n",
        "ten_megabytes_of_emoji_in_a_comment ok, 1": f"% {'🦆' * (10 * megabyte // 4)}\nsolve(1).\n",
        "ten_megabytes_of_facts timeout": "fact(1).\n" * (10 * megabyte // 9) + "solve(1).\n",
        "ten_megabytes_of_brackets syntax_error": "(" * 10 * megabyte,
        "ten_megabytes_within_a_quote syntax_error": "solve('" + "x" * 10 * megabyte,
        "one_line_of_a_megabyte ok, 50000": f"solve(X) :- length([{(' ' * 20 + ',').join('1' * 50_000)}], X).\n",
        "one_line_of_many_clauses ok, 3": "f(1). " * 10_000 + "solve(3).",
        "very_long_atom ok, 1000000": f"solve(X) :- atom_length({'a' * 1_000_000}, X).\n",
        "very_long_string ok, 1000000": f'solve(X) :- string_length("{"a" * 1_000_000}", X).\n',
        "very_long_variable ok, 1": f"solve(X{'x' * 1_000_000}) :- X{'x' * 1_000_000} = 1.\n",
        "very_long_number ok, 7": f"solve(X) :- X is {'7' * 20_000} mod 10.\n",
        "answer_as_long_as_allowed ok, " + "x" * 65_536: "solve(X) :- format(atom(X), '~*c', [65536, 0'x]).\n",
        "answer_one_longer_than_allowed output_limit": "solve(X) :- format(atom(X), '~*c', [65537, 0'x]).\n",
        "answer_of_many_digits ok, " + str(2**10_000): "solve(X) :- X is 2 ** 10000.\n",
        "answer_nested ok, " + nested("f(", "a", ")", 2_000): NEST + "solve(X) :- nest(2000, X).\n",
        # How deep Prolog can write depends on how it was built; where it cannot, it says that memory is short.
        f"answer_nested_deeply memory_limit | ok, {nested('f(', 'a', ')', 20_000)}": NEST
        + "solve(X) :- nest(20000, X).\n",
        # What is too deep for Prolog's reader leaves no solve/1, or ends Prolog; what is too deep to write has none.
        "nested_brackets ok, 1 | runtime_error | syntax_error | memory_limit": (
            f"solve(X) :- X = {nested('(', '1', ')', 100_000)}.\n"
        ),
        "nested_lists memory_limit | runtime_error | syntax_error": f"solve({nested('[', '1', ']', 100_000)}).\n",
        "nested_terms memory_limit | runtime_error | syntax_error": f"solve({nested('f(', '1', ')', 100_000)}).\n",
        "nested_braces memory_limit | runtime_error | syntax_error": f"solve({nested('{', '1', '}', 100_000)}).\n",
        "nested_minus memory_limit | runtime_error | syntax_error": f"solve(X) :- X = {'- ' * 100_000}a.\n",
        "nested_conjunctions ok, 1": f"solve(1) :- {'true, ' * 10_000}true.\n",
        "nested_comments syntax_error": "/* " * 100_000 + "\nsolve(1).\n",
        "many_syntax_errors output_limit": "wrong(.\n" * 5_000 + "solve(1).\n",
        "many_warnings output_limit": "".join(f"p{n}(X).\n" for n in range(3_000)) + "solve(1).\n",
        "many_variables ok, 1": f"solve(1) :- f({','.join(f'X{n}' for n in range(20_000))}) = _.\n",
        "many_arguments ok, 50000": f"solve(X) :- functor(f({','.join('1' * 50_000)}), _, X).\n",
    }
    for heading, text in made.items():
        name, _, outcomes = heading.partition(" ")
        yield Program(f"bytes:{name}", text, read_outcomes(outcomes))


ALL = [*read_corpus(), *made_programs()]
PROGRAMS = {program.name: program for program in ALL}
