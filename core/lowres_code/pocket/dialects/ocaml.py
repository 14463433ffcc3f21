"""OCaml: right scripts for its toplevel, and the mistakes of people who come from Python, or mix up its numbers."""

from lowres_code.pocket.dialects import Dialect
from lowres_code.pocket.dialects.mutations import forget_last, mutation

_GCD = "let rec gcd a b = if b = 0 then a else gcd b (a mod b)\nlet () = "

DIALECT = Dialect(
    language="OCaml",
    templates={
        "arithmetic": "let () = print_int ({expression})",
        "gcd": _GCD + "print_int (gcd {a} {b})",
        "lcm": _GCD + "print_int ({a} * {b} / gcd {a} {b})",
        "bits": "let rec bits n = if n = 0 then 0 else n mod 2 + bits (n / 2)\nlet () = print_int (bits {n})",
        "fraction": _GCD + 'let g = gcd {a} {b} in\n  Printf.printf "%d/%d" ({a} / g) ({b} / g)',
        "equation": ("let () = for {variable} = 0 to 999 do\n  if {left} = {right} then print_int {variable}\ndone"),
        "knights": (
            'let p x = if x then "{true}" else "{false}"\n'
            "let () = [true; false] |> List.iter (fun _{a} ->\n  [true; false] |> List.iter (fun _{b} ->\n"
            "    if _{a} = {first} && _{b} = {second} then\n"
            '      Printf.printf "{a} is %s, and {b} is %s." (p _{a}) (p _{b})))'
        ),
    },
    claims={
        "telling-truth": "_{0}",  # a name in capitals would be a constructor
        "lying": "not _{0}",
        "not": "not {0}",
        "and": "({0} && {1})",
        "or": "({0} || {1})",
        "->": "({0} <= {1})",
        "<=>": "({0} = {1})",
    },
    mistakes=(
        forget_last(")"),
        forget_last("done"),
        mutation(r"\blet rec ", "let "),
        mutation(r"\nlet \(\) = ", "\n"),
        mutation(r"\blet \(\) =", "let main () ="),  # and nobody calls it
        mutation(r"\bprint_int\b", "print"),
        mutation(r"\bprint_int\b", "print_string"),
        mutation(r"\bprint_int \((.*)\)$", r"print_int \1"),
        mutation(r" ([+*/]) ", r" \1. "),  # those of floats
        mutation(r"\bgcd (\d+) (\d+)", r"gcd(\1, \2)"),
        mutation(r" mod ", " % "),
        mutation(r" then\b", ":"),
        mutation(r" in$", ""),
        mutation(r"\b_([A-Z])", r"\1"),
        mutation(r"true; false", "true, false"),
        mutation(r"\bfor (\w) = 0 to 999 do", r"for \1 in range(1000) do"),
    ),
)
