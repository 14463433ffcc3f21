"""For each kind of puzzle a Prolog program that solves it, made from the text of the question and nothing else."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from enum import Enum
from typing import Any

from reasoning_gym.graphs.family_relationships import FamilyRelationshipsConfig
from reasoning_gym.logic.contrib.logic_puzzle import literals

# ---------------------------------------------------------------------------------------------------------- aiw


def aiw(question: str) -> str:
    """Everybody is there by name, and those who are women are counted: a man is asked about, so all of them count."""
    name = question.split(maxsplit=1)[0]
    counts = {kind: int(n) for n, kind in re.findall(r"(\d+) (brothers|sisters|male friends|female friends)", question)}
    people = {kind: [f"'{kind} {n}'" for n in range(1, count + 1)] for kind, count in counts.items()}
    women = [f"'{name}'", *(people.get("sisters") or people["female friends"])]
    men = people.get("brothers") or people["male friends"]
    facts = [*(f"woman({one})." for one in women), *(f"man({one})." for one in men)]
    return "\n".join([*facts, "solve(N) :- man(Him), !, aggregate_all(count, (woman(W), W \\== Him), N)."])


# ------------------------------------------------------------------------------------------------ circuit_logic


def circuit_logic(question: str) -> str:
    """The drawing is read: which wire each row of a gate branches off from, and whether it is negated."""
    drawing = question.partition("circuit.\n")[2].partition("\nLegend")[0].strip("\n").splitlines()
    inputs = {line.index("┐"): line.partition(":")[0] for line in drawing if re.match(r"[A-Z]+: ", line)}
    edge = max(inputs)  # the wire that is farthest to the right; gates stand at a fixed distance from it
    legend = dict(re.findall(r"^(\S)\1: (\w+)$", question, re.MULTILINE))
    terms: list[tuple[str, list[str]]] = []
    row_before = -2
    for number, line in enumerate(drawing):
        if line[edge + 5 : edge + 6] != "│" or line[edge + 6 : edge + 7] not in legend:
            continue
        wire = inputs[next(column for column, letter in enumerate(line) if letter in "├└")].lower()
        if number > row_before + 1:
            terms.append((legend[line[edge + 6]].lower(), []))
        terms[-1][1].append(f"not({wire})" if line[edge + 2] == ">" else wire)
        row_before = number
    last = re.findall(r"^(\S)\1: (\w+)$", question, re.MULTILINE)[-1][1].lower()
    values = re.findall(r"^  ([A-Z]+) = ([01])$", question, re.MULTILINE)
    gates = ", ".join(f"term({kind}, [{', '.join(wires)}], T{n})" for n, (kind, wires) in enumerate(terms))
    outputs = ", ".join(f"T{n}" for n in range(len(terms)))
    return "\n".join(
        [
            *(f"input({name.lower()}, {value})." for name, value in values),
            "value(not(W), V) :- !, input(W, U), V is 1 - U.",
            "value(W, V) :- input(W, V).",
            "term(Kind, Wires, V) :- maplist(value, Wires, Vs), gate(Kind, Vs, V).",
            "gate(and, Vs, V) :- min_list(Vs, V).",
            "gate(nand, Vs, V) :- min_list(Vs, U), V is 1 - U.",
            "gate(or, Vs, V) :- max_list(Vs, V).",
            "gate(nor, Vs, V) :- max_list(Vs, U), V is 1 - U.",
            "gate(xor, Vs, V) :- sum_list(Vs, S), V is S mod 2.",
            f"solve(X) :- {gates}, gate({last}, [{outputs}], X).",
        ]
    )


# ----------------------------------------------------------------------------------------- family_relationships


KIN = """
parent(P, C) :- child(P, _, C).
parent(P, C) :- child(_, P, C).
spouse(A, B) :- married(A, B).
spouse(A, B) :- married(B, A).
sibling(A, B) :- parent(P, A), parent(P, B), A \\== B.
kin(A, B, father, mother) :- parent(A, B).
kin(A, B, son, daughter) :- parent(B, A).
kin(A, B, husband, wife) :- spouse(A, B).
kin(A, B, brother, sister) :- sibling(A, B).
kin(A, B, grandfather, grandmother) :- parent(A, P), parent(P, B).
kin(A, B, uncle, aunt) :- sibling(A, P), parent(P, B).
"""


def family_relationships(question: str) -> str:
    """Who is married to whom, whose children there are, and which names are women's."""
    story, asked = question.split("\n\n")
    facts: list[str] = [":- dynamic(child/3)."]
    couple = ("", "")
    for one, other, children in re.findall(
        r"(\w+) is married to (\w+)\.|They have (?:a child|children) called ([^.]+)\.", story
    ):
        if one:
            couple = (one, other)
            facts.append(f"married('{one}', '{other}').")
        facts += [f"child('{couple[0]}', '{couple[1]}', '{c}')." for c in re.findall(r"[A-Z]\w+", children)]
    women = FamilyRelationshipsConfig().female_names
    facts = [*sorted(facts, key=lambda fact: fact.partition("(")[0])]  # clauses of one predicate stand together
    facts += [f"woman('{name}')." for name in sorted(set(re.findall(r"[A-Z]\w+", story))) if name in women]
    first, second = re.findall(r"\b(?!What|How|Respond|Provide|Answer)[A-Z]\w+", asked)
    goal = f"kin('{first}', '{second}', His, Hers), ( woman('{first}') -> X = Hers ; X = His )"
    return "\n".join([*facts, KIN, f"solve(X) :- {goal}."])


# ----------------------------------------------------------------------------------------------- knights_knaves


SAID = re.compile(
    r'"(?P<a>[^"]+?),?" (?:- )?(?P<A>\w+)(?: declared| mentioned| claimed)?\.'
    r"|(?P<B>\w+) (?:said|told you|expressed) that (?P<b>[^.]+)\."
    r"|(?:According to |In a statement by |In |As )?(?P<C>\w+)"
    r"(?:'s words| put it| said| stated| remarked| was heard saying| asserted| commented| noted)?"
    r'[,:] "(?P<c>[^"]+?)\.?"\.?'
)


def knights_knaves(question: str) -> str:
    """Who tells the truth is 1 and who lies is 0; what somebody says has the value of that person."""
    (truthful,) = re.findall(r"inhabited only by (\w+)s and", question)
    told = re.search(r"inhabitants: ((?:\w+, )+and \w+)\. (.*) So who is (an? \w+) and who is (an? \w+)\?", question)
    assert told is not None
    people = re.findall(r"\b(?!and\b)\w+", told[1])
    says = {m["A"] or m["B"] or m["C"]: m["a"] or m["b"] or m["c"] for m in SAID.finditer(told[2])}
    assert sorted(says) == sorted(people)
    goals = [
        *(f"member({name}, [1, 0])" for name in people),
        *(f"{name} =:= {_value(said, truthful)}" for name, said in says.items()),
        *(f"role({name}, Is{name})" for name in people),
    ]
    form = ", ".join("~w is ~w" for _ in people[1:]) + ", and ~w is ~w"
    named = ", ".join(f"'{name}', Is{name}" for name in people)
    return (
        f"role(1, '{told[3]}').\nrole(0, '{told[4]}').\n"
        f'solve(Answer) :- {", ".join(goals)}, format(string(Answer), "{form}", [{named}]).\n'
    )


def _value(said: str, truthful: str) -> str:
    """A statement as arithmetic on 1 and 0."""
    tokens = re.findall(r"[()]|it is not the case that|if and only if|\w+ is an? \w+|\w+", said)
    value, rest = _whole(tokens, truthful)
    assert rest == []
    return value


def _whole(tokens: Sequence[str], truthful: str) -> tuple[str, list[str]]:
    first, *rest = tokens
    if first == "it is not the case that":
        value, rest = _part(rest, truthful)
        return f"(1 - {value})", rest
    if first == "if":
        condition, (then, *rest) = _part(rest, truthful)
        assert then == "then"
        value, rest = _part(rest, truthful)
        return f"max(1 - {condition}, {value})", rest
    value, rest = _part(tokens, truthful)
    while rest and rest[0] in ("and", "or", "if and only if"):
        joined, (other, rest) = rest[0], _part(rest[1:], truthful)
        value = {"and": f"min({value}, {other})", "or": f"max({value}, {other})"}.get(
            joined, f"(1 - abs({value} - {other}))"
        )
    return value, rest


def _part(tokens: Sequence[str], truthful: str) -> tuple[str, list[str]]:
    first, *rest = tokens
    if first == "(":
        value, (closed, *rest) = _whole(rest, truthful)
        assert closed == ")"
        return value, rest
    name, role = re.findall(r"^\w+|\w+$", first)
    return (name if role == truthful else f"(1 - {name})"), rest


# ----------------------------------------------------------------------------------------------- self_reference


def self_reference(question: str) -> str:
    """All ways in which seven statements can be true or false are tried."""
    numbers = re.findall(r"'(?:At least|At most|Exactly) (\d+) of these", question)
    a, b, c, d = numbers
    return f"""
consistent :-
    Ss = [S1, S2, S3, S4, S5, S6, S7],
    maplist([S]>>member(S, [0, 1]), Ss), sum_list(Ss, T), F is 7 - T,
    tells(S1, T >= {a}), tells(S2, F =< {b}), tells(S3, T =:= {c}), tells(S4, F =:= {d}),
    tells(S5, S3 =\\= S4), tells(S6, memberchk(T, [2, 3, 5, 7])), tells(S7, memberchk(F, [4, 6])).
tells(S, Goal) :- ( call(Goal) -> S =:= 1 ; S =:= 0 ).
solve(N) :- aggregate_all(count, consistent, N).
"""


# ---------------------------------------------------------------------------------------------------- syllogism


def syllogism(question: str) -> str:
    """A conclusion follows if it holds in every world in which the premises hold; a world is its kinds of things."""
    stated = re.findall(r"(All|No|Some) (\w+) are (not )?(\w+)", question)
    kinds = sorted({kind for _, one, _, other in stated for kind in (one, other)})
    goals = [f"{how.lower()}('{one}', '{no.strip()}', '{other}', World)" for how, one, no, other in stated]
    return f"""
part([], []).
part([X|Xs], [X|Ys]) :- part(Xs, Ys).
part([_|Xs], Ys) :- part(Xs, Ys).
world(World) :- findall(Thing, part({kinds}, Thing), Things), part(Things, World).
is_one(Thing, '', Kind) :- memberchk(Kind, Thing).
is_one(Thing, not, Kind) :- \\+ memberchk(Kind, Thing).
some(A, Not, B, World) :- member(Thing, World), memberchk(A, Thing), is_one(Thing, Not, B), !.
no(A, Not, B, World) :- \\+ some(A, Not, B, World).
all(A, '', B, World) :- no(A, not, B, World).
solve(X) :- ( forall((world(World), {goals[0]}, {goals[1]}), {goals[2]}) -> X = yes ; X = no ).
"""


# ------------------------------------------------------------------------------------------------ zebra_puzzles


KINDS: list[Any] = [kind for kind in vars(literals).values() if isinstance(kind, type) and issubclass(kind, Enum)]
PHRASES = {member.value.lower(): (kind.__name__, member.name) for kind in KINDS for member in kind}
PLACES = {"first": 1, "second": 2, "third": 3, "fourth": 4, "fifth": 5}


def zebra_puzzles(question: str) -> str:
    """A number of a house for each thing; clues are constraints between them."""
    (houses,) = re.findall(r"There are (\d+) houses", question)
    clues = re.findall(r"^\d+\. (.*)\.$", question, re.MULTILINE)
    listed = re.findall(r"^ - .*: (.*)$", question, re.MULTILINE)
    constraints = [next(_constraints(clue)) for clue in clues]
    names = listed[0].split(", ")
    mentioned = set(re.findall(r"[A-Z]\w*__\w+", " ".join(constraints)))
    kinds: dict[str, set[str]] = {"Name": {f"Name__{name}" for name in names}}
    for variable in sorted(mentioned):
        kinds.setdefault(variable.partition("__")[0], set()).add(variable)
    variables = [sorted(kind) for kind in kinds.values()]
    (asked,) = re.findall(r"lives in House (\d+)", question)
    goals = [
        *(f"[{', '.join(kind)}] ins 1..{houses}, all_different([{', '.join(kind)}])" for kind in variables),
        *constraints,
        *(f"label([{', '.join(kind)}])" for kind in variables),
        f"member({asked}-Name, [{', '.join(f'Name__{name}-{name}' for name in names)}])",
    ]
    return ":- use_module(library(clpfd)).\nsolve(Name) :- " + ",\n    ".join(goals) + ".\n"


def _constraints(clue: str) -> Iterator[str]:
    """A clue as a constraint, wherever what stands on both sides of its verb is known."""
    for verb, relation in (
        (" is directly left of ", "{0} + 1 #= {1}"),
        (" and ", "abs({0} - {1}) #= 1"),
        (" is ", "{0} #= {1}"),
    ):
        for match in re.finditer(verb, clue):
            one, other = clue[: match.start()], clue[match.end() :].removesuffix(" are next to each other")
            place = re.fullmatch(r"in the (\w+) house", other)
            right = str(PLACES[place[1]]) if place else _variable(other)
            if (left := _variable(one)) and right:
                yield relation.format(left, right)


def _variable(phrase: str) -> str:
    kind, name = PHRASES.get(phrase.lower(), ("", ""))
    return f"{kind}__{name}" if kind else ""


SOLVERS: dict[str, Callable[[str], str]] = {
    "aiw": aiw,
    "circuit_logic": circuit_logic,
    "family_relationships": family_relationships,
    "knights_knaves": knights_knaves,
    "self_reference": self_reference,
    "syllogism": syllogism,
    "zebra_puzzles": zebra_puzzles,
}
