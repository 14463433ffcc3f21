"""Python, the language that the pocket model knows well."""

from lowres_code.pocket.dialects import Dialect

DIALECT = Dialect(
    language="Python",
    templates={
        "arithmetic": "print({expression})",
        "gcd": "import math\nprint(math.gcd({a}, {b}))",
        "lcm": "import math\nprint(math.lcm({a}, {b}))",
        "bits": "print(({n}).bit_count())",
        "fraction": "from fractions import Fraction\nprint(Fraction({a}, {b}))",
        "equation": "for {variable} in range(1000):\n    if {left} == {right}:\n        print({variable})",
        "knights": (
            "for {a} in (0, 1):\n    for {b} in (0, 1):\n        if {a} == {first} and {b} == {second}:\n"
            '            p = ["{false}", "{true}"][{a}]\n            q = ["{false}", "{true}"][{b}]\n'
            '            print(f"{a} is {{p}}, and {b} is {{q}}.")'
        ),
    },
    claims={
        "telling-truth": "{0}",
        "lying": "1 - {0}",
        "not": "(not {0})",
        "and": "({0} and {1})",
        "or": "({0} or {1})",
        "->": "({0} <= {1})",
        "<=>": "({0} == {1})",
    },
)
