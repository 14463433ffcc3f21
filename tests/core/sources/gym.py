"""The tasks of the installed reasoning-gym, by how their answers are judged."""

from __future__ import annotations

from lowres_code.sources.reasoning_gym_tasks import RULES

REFUSED = {
    "boxnet": "passes over moves of boxes that are not there",
    "codeio": "one of many right inputs",
    "composite": "stands for several",
    "countdown": "evaluates the answer as Python code",
    "intermediate_integration": "evaluates the answer as Python code",
    "isomorphic_strings": "other questions in every process",
    "list_functions": "other questions in every process",
    "n_queens": "evaluates the answer as Python code",
    "polynomial_multiplication": "evaluates the answer as Python code",
    "propositional_logic": "a premise that is copied from the question",
    "puzzle24": "evaluates the answer as Python code",
    "ransom_note": "other questions in every process",
    "simple_integration": "evaluates the answer as Python code",
    "survo": "knows one solution",
    "tsumego": "knows one move",
}
BY_CHECKER = {
    "advanced_geometry",
    "bitwise_arithmetic",
    "complex_arithmetic",
    "cryptarithm",
    "family_relationships",
    "futoshiki",
    "game_of_life",
    "graph_color",
    "group_anagrams",
    "jugs",
    "kakurasu",
    "knight_swap",
    "knights_knaves",
    "number_format",
    "palindrome_generation",
    "palindrome_partitioning",
    "polynomial_equations",
    "pool_matrix",
    "power_function",
    "prime_factorization",
    "quantum_lock",
    "rubiks_cube",
    "rush_hour",
    "shortest_path",
    "sokoban",
    "syllogism",
    "tower_of_hanoi",
    "word_ladder",
    "zebra_puzzles",
}
BY_TEXT = sorted(set(RULES) - set(REFUSED) - BY_CHECKER)
