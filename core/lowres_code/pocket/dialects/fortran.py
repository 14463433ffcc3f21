"""Fortran: right programs in free form, and the mistakes of people who come from Python or C."""

from lowres_code.pocket.dialects import Dialect
from lowres_code.pocket.dialects.mutations import forget_last, mutation

# Numbers of the default kind are large enough: no task goes beyond 2**31 - 1.
_GCD = """integer :: a = {a}, b = {b}, t
do while (b > 0)
    t = mod(a, b)
    a = b
    b = t
end do
"""

DIALECT = Dialect(
    language="Fortran",
    templates={
        "arithmetic": "print *, {expression}\nend",
        "gcd": _GCD + "print *, a\nend",
        "lcm": _GCD + "print *, {a} * {b} / a\nend",
        "bits": "print *, popcnt({n})\nend",
        "fraction": _GCD + 'print *, {a} / a, "/", {b} / a\nend',
        "equation": (
            "integer :: {variable}\ndo {variable} = 0, 999\n    if ({left} == {right}) print *, {variable}\nend do\nend"
        ),
        "knights": (
            'character(11) p(0:1)\ninteger :: {a}, {b}\ndata p /"{false}", "{true}"/\n'
            "do {a} = 0,1\ndo {b} = 0,1\n"
            "    if ({a} == {first} .and. {b} == {second}) &\n"
            '        print *, "{a} is ", trim(p({a})), ", and {b} is ", trim(p({b})), "."\n'
            "end do\nend do\nend"
        ),
    },
    claims={
        "telling-truth": "{0}",
        "lying": "1 - {0}",
        "not": "1 - ({0})",
        "and": "min({0}, {1})",
        "or": "max({0}, {1})",
        "->": "count([{0} <= {1}])",
        "<=>": "count([{0} == {1}])",
    },
    mistakes=(
        forget_last("end"),
        forget_last("end do\n"),
        forget_last(")"),
        mutation(r"\bprint \*, (.*)$", r"print(\1)"),
        mutation(r"\bprint \*,", "print"),
        mutation(r"\bprint \*, (.*)$", r'printf("%d", \1)'),
        mutation(r"\bprint \*,", "return"),
        mutation(r"\binteger :: (\w+ =)", r"integer \1"),
        mutation(r"\binteger ::", "int"),
        mutation(r" == ", " = "),
        mutation(r"\bmod\((\w), (\w)\)", r"\1 % \2"),
        mutation(r"\b(if|while) \((.*?)\)( |$)", r"\1 \2\3"),
        mutation(r"^( *)do (\w+) = 0,", r"\1for \2 = 0,"),
        mutation(r"^do while", "while"),
        mutation(r" \.and\. ", " and "),
        mutation(r" / ", " // "),
        mutation(r"\bpopcnt\b", "popcount"),
        mutation(r"p\(0:1\)", "p(2)"),
    ),
)
