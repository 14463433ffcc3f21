"""Lua: right programs in Lua 5.4, and the mistakes of people who come from Python, C or JavaScript."""

from lowres_code.pocket.dialects import Dialect
from lowres_code.pocket.dialects.mutations import forget_last, mutation

_GCD = "local a, b = {a}, {b}\nwhile b > 0 do a, b = b, a % b end\n"

DIALECT = Dialect(
    language="Lua",
    templates={
        "arithmetic": "print({expression})",
        "gcd": _GCD + "print(a)",
        "lcm": _GCD + "print({a} * {b} // a)",
        "bits": "local n, k = {n}, 0\nwhile n > 0 do n, k = n // 2, k + n % 2 end\nprint(k)",
        "fraction": _GCD + 'print({a} // a .. "/" .. {b} // a)',
        "equation": "for {variable} = 0, 999 do\n    if {left} == {right} then print({variable}) end\nend",
        "knights": (
            'local p = {{[true] = "{true}", [false] = "{false}"}}\n'
            "for _, {a} in ipairs {{true, false}} do\n    for _, {b} in ipairs {{true, false}} do\n"
            "        if {a} == {first} and {b} == {second} then\n"
            '            print("{a} is " .. p[{a}] .. ", and {b} is " .. p[{b}] .. ".")\n'
            "        end\n    end\nend"
        ),
    },
    claims={
        "telling-truth": "{0}",
        "lying": "not {0}",
        "not": "not {0}",
        "and": "({0} and {1})",
        "or": "({0} or {1})",
        "->": "(not {0} or {1})",
        "<=>": "({0} == {1})",
    },
    mistakes=(
        forget_last("end"),
        forget_last(")"),
        mutation(r" (do|then)\b", ""),
        mutation(r" (do|then)\b", ":"),
        mutation(r"\bprint\((.*)\)", r"print \1"),
        mutation(r"\bprint\((.*)\)", r"return \1"),
        mutation(r"\bprint\(", "console.log("),
        mutation(r" == ", " = "),
        mutation(r"\blocal ", "var "),
        mutation(r"a, b = b, a % b", "a = b; b = a % b"),
        mutation(r" // ", " div "),
        mutation(r" \.\. ", " + "),
        mutation(r"for (\w) = 0, 999", r"for \1 in range(1000)"),
        mutation(r"ipairs (\{.*\})", r"\1"),
        mutation(r" and | or ", " && "),
        mutation(r"\Alocal a, b = (.*)\nwhile.*\nprint\(a\)", r"print(math.gcd(\1))"),
    ),
)
