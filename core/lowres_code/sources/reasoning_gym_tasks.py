"""How the answers to each task of reasoning-gym (0.1.25) are judged, or why the task cannot be used."""

from __future__ import annotations

from collections.abc import Mapping

from lowres_code.errors import UsageError, near_match
from lowres_code.forms import lowest_terms, worked_out
from lowres_code.sources.reasoning_gym_rules import (
    Checker,
    Entry,
    Refused,
    Text,
    Word,
    divides_exactly,
    follows_or_not,
    has_known_relation,
    has_variable,
    not_given,
    says_enough,
)

Rule = Text | Word | Checker | Refused

_EVALUATES = Refused("has a checker that evaluates the answer as Python code")
_OTHERS = Refused("gives other questions in every process, whatever the seed")
_ROLE = r"[A-Za-z]+ is an? [a-z]+"
_NUMBER = r"[-+]?(?:\d+(?:\.\d*)?|\.\d+)(?:[eE][-+]?\d{1,4})?"  # no nan: every distance from it passes for 0


def _fraction(entry: Entry) -> str:
    """The same for each style of the question: LaTeX is how it is asked, not what a program answers."""
    return f"{entry['metadata']['simplified_numerator']}/{entry['metadata']['simplified_denominator']}"


_KINDS: Mapping[str, Mapping[str, Rule]] = {
    "algebra": {
        "complex_arithmetic": Checker(r"[-+0-9.eEij() ]+"),
        "intermediate_integration": _EVALUATES,
        "polynomial_equations": Checker(rf"{_NUMBER}(?:\s*,\s*{_NUMBER})*"),
        "polynomial_multiplication": _EVALUATES,
        "simple_equations": Text(sound=has_variable),
        "simple_integration": _EVALUATES,
    },
    "algorithmic": {
        "ab": Text(),
        "base_conversion": Text(),
        "binary_alternation": Text(),
        "binary_matrix": Text(sound=not_given),
        "caesar_cipher": Text(),
        "count_primes": Text(),
        "cryptarithm": Checker(r"[A-Z] *= *\d(?: *, *[A-Z] *= *\d)*"),
        "game_of_life": Checker(r"[\[\]01,\s]+"),
        "game_of_life_halting": Text(),  # its own checker takes every text for right
        "graph_color": Checker(r'[{}":,\d\s]+'),
        "group_anagrams": Checker(),
        "isomorphic_strings": _OTHERS,
        "jugs": Checker(),
        "letter_counting": Text(),
        "letter_jumble": Text(sound=not_given),
        "manipulate_matrix": Text(),
        "number_filtering": Text(),
        "number_sorting": Text(),  # its own checker lets each number be off by one
        "palindrome_generation": Checker(),
        "palindrome_partitioning": Checker(),
        "pool_matrix": Checker(r"[-+.\deE\s]+", not_given),
        "ransom_note": _OTHERS,
        "rotate_matrix": Text(sound=not_given),
        "rotten_oranges": Text(),
        "sentence_reordering": Text(),
        "spell_backward": Text(),
        "spiral_matrix": Text(),
        "string_insertion": Text(sound=not_given),
        "string_manipulation": Text(sound=not_given),
        "string_splitting": Text(),
        "string_synthesis": Text(),
        "word_ladder": Checker(r"[A-Za-z,\s]+"),
        "word_sequence_reversal": Text(),
        "word_sorting": Text(),
    },
    "arc": {
        "arc_1d": Text(sound=not_given),
        "arc_agi": Text(sound=not_given),
        "rearc": Text(sound=not_given),
    },
    "arithmetic": {
        "basic_arithmetic": Text(worked_out, sound=divides_exactly),
        "bitwise_arithmetic": Checker(r"-?0[xX][0-9a-fA-F]+"),
        "calendar_arithmetic": Text(),
        "chain_sum": Text(),
        "count_bits": Text(),
        "decimal_arithmetic": Text(worked_out),
        "decimal_chain_sum": Text(),
        "dice": Text(lowest_terms),
        "fraction_simplification": Text(lowest_terms, _fraction),
        "gcd": Text(),
        "gsm_symbolic": Text(),
        "lcm": Text(),
        "leg_counting": Text(),
        "number_format": Checker(r"[-+]?[\d,]+(?:\.\d*)?(?:[eE][-+]?\d{1,4})?"),  # candidates differ by less than 1e-6
        "power_function": Checker(_NUMBER),
        "prime_factorization": Checker(r"\d+(?:\s*\u00d7\s*\d+)*"),
        "products": Text(),
        "time_intervals": Text(),
    },
    "code": {
        "bf": Text(),
        "codeio": Refused("asks for one of many right inputs in half of its questions, and knows only one"),
    },
    "cognition": {
        "color_cube_rotation": Text(),
        "figlet_font": Text(),
        "modulo_grid": Text(),
        "needle_haystack": Text(),
        "number_sequence": Text(),
        "rectangle_count": Text(),
        "rubiks_cube": Checker(r"[A-Za-z'\s]{1,2000}"),  # "U9999999999" would be as many moves
    },
    "composite": {"composite": Refused("stands for several: name each of them in the table of tasks")},
    "games": {
        "boxnet": Refused("has a checker that passes over moves of boxes that are not there: a plan needs no look"),
        "countdown": _EVALUATES,
        "emoji_mystery": Text(),
        "futoshiki": Checker(),
        "kakurasu": Checker(r"[01\s]+"),
        "knight_swap": Checker(),
        "mahjong_puzzle": Text(),
        "maze": Text(),
        "mini_sudoku": Text(),
        "n_queens": _EVALUATES,
        "puzzle24": _EVALUATES,
        "rush_hour": Checker(r"[A-Z][+-]\d(?:\s+[A-Z][+-]\d)*"),  # "A+9999999999" would be as many steps
        "sokoban": Checker(r"[UDLR]+"),
        "sudoku": Text(),
        "survo": Refused("knows one solution where a question has several"),
        "tower_of_hanoi": Checker(),
        "tsumego": Refused("knows one move where several capture"),
    },
    "geometry": {"advanced_geometry": Checker(r"[-+.,()\d\s°]+"), "simple_geometry": Text()},
    "graphs": {
        "course_schedule": Text(),
        "family_relationships": Word(has_known_relation),
        "largest_island": Text(),
        "path_star": Text(),
        "quantum_lock": Checker(r"[A-C](?:[\s→,>-]*[A-C])*"),
        "shortest_path": Checker(r"[a-z\s]+"),
    },
    "induction": {"acre": Text(), "list_functions": _OTHERS},
    "logic": {
        "aiw": Text(sound=says_enough),
        "circuit_logic": Text(),
        "knights_knaves": Checker(rf"(?:{_ROLE}, )+and {_ROLE}\.?"),  # as the question writes it, in any order
        "propositional_logic": Refused("takes a premise that is copied from the question for a conclusion"),
        "self_reference": Text(),
        "syllogism": Word(follows_or_not),
        "zebra_puzzles": Checker(),  # a name, in whatever case
    },
    "probability": {"coin_flip": Text()},
}
RULES: Mapping[str, Rule] = {task: rule for kind in _KINDS.values() for task, rule in kind.items()}


def rule_of(task: str) -> Text | Word | Checker:
    """How the answers to a task are judged.

    Raises:
        UsageError: as `refusal` says.
    """
    rule = RULES.get(task)
    if rule is None or isinstance(rule, Refused):
        raise UsageError(refusal(task))
    return rule


def refusal(task: str) -> str:
    """Why a task cannot be used, and which others are like it; ``""`` if it can."""
    rule = RULES.get(task)
    if rule is None:
        return f"reasoning-gym has no task {task!r} that is known here; {near_match(task, _usable(RULES))}"
    if not isinstance(rule, Refused):
        return ""
    like = _usable(next(kind for kind in _KINDS.values() if task in kind))
    others = f"; others of its kind: {', '.join(like)}" if like else ""
    return f"the task {task!r} of reasoning-gym {rule.reason}, so it cannot be used{others}"


def _usable(rules: Mapping[str, Rule]) -> list[str]:
    return [task for task, rule in rules.items() if not isinstance(rule, Refused)]
