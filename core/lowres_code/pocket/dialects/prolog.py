"""Prolog: right programs in SWI-Prolog's own idiom, and the mistakes of people who come from Python."""

import re

from lowres_code.pocket.dialects import Dialect


def _no_full_stop(program: str) -> str:
    return program.rstrip().removesuffix(".")


def _equals_for_is(program: str) -> str:
    return program.replace(" is ", " = ")


def _assignment(program: str) -> str:
    return program.replace(" is ", " := ").replace(" =:= ", " == ")


def _lower_case_variables(program: str) -> str:
    return re.sub(r"\b[A-Z]\b", lambda match: match.group().lower(), program)


def _colon_for_neck(program: str) -> str:
    return program.replace(":-", ":", 2) if program.startswith(":-") else program.replace(":-", ":", 1)


def _no_import(program: str) -> str:
    return re.sub(r":- use_module\(.*\)\.\n", "", program)


def _print_for_answer(program: str) -> str:
    return re.sub(r"solve\(([A-Z])\) :-(\s)(.*)\.$", r"solve :-\2\3, print(\1).", program, flags=re.DOTALL)


def _missing_parenthesis(program: str) -> str:
    return program[::-1].replace(")", "", 1)[::-1]


def _python_function(program: str) -> str:
    return re.sub(r"solve\(([A-Z])\) :-", r"def solve(\1):", program)


def _return(program: str) -> str:
    return re.sub(r"\b([A-Z]) is (.*)\.$", r"return \2.", program)


def _module_functions(program: str) -> str:
    return re.sub(r"\b(gcd|popcount|sat|labeling|format)\(", r"math.\1(", program)


def _semicolon_at_the_end(program: str) -> str:
    return program.rstrip().removesuffix(".") + ";"


DIALECT = Dialect(
    language="Prolog",
    templates={
        "arithmetic": "solve(X) :- X is {expression}.",
        "gcd": "solve(X) :- X is gcd({a}, {b}).",
        "lcm": "solve(X) :- X is {a} * {b} // gcd({a}, {b}).",
        "bits": "solve(X) :- X is popcount({n}).",
        "fraction": "solve(X) :- X is {a} rdiv {b}.",
        "equation": ":- use_module(library(clpq)).\nsolve({VARIABLE}) :- {{{LEFT} = {right}}}.",
        "knights": (
            ":- use_module(library(clpb)).\nsolve(X) :-\n    sat({a} =:= {first}),\n    sat({b} =:= {second}),\n"
            "    labeling([{a}, {b}]),\n"
            '    nth0({a}, ["{false}", "{true}"], P),\n    nth0({b}, ["{false}", "{true}"], Q),\n'
            '    format(string(X), "{a} is ~w, and {b} is ~w.", [P, Q]).'
        ),
    },
    claims={
        "telling-truth": "{0}",
        "lying": "~ {0}",
        "not": "~ {0}",
        "and": "({0} * {1})",
        "or": "({0} + {1})",
        "->": "({0} =< {1})",
        "<=>": "({0} =:= {1})",
    },
    mistakes=(
        _no_full_stop,
        _equals_for_is,
        _assignment,
        _lower_case_variables,
        _colon_for_neck,
        _no_import,
        _print_for_answer,
        _missing_parenthesis,
        _python_function,
        _return,
        _module_functions,
        _semicolon_at_the_end,
    ),
)
