"""Scheme: right programs as Guile runs them, and the mistakes of people who come from Python or from Common Lisp."""

from lowres_code.pocket.dialects import Dialect
from lowres_code.pocket.dialects.mutations import mutation
from lowres_code.pocket.dialects.prefix import MISTAKES, prefix

DIALECT = Dialect(
    language="Scheme",
    templates={
        "arithmetic": "(display {expression})",
        "gcd": "(display (gcd {a} {b}))",
        "lcm": "(display (lcm {a} {b}))",
        "bits": "(display (logcount {n}))",
        "fraction": "(display (/ {a} {b}))",
        "equation": (
            "(for-each (lambda ({variable})\n    (if (= {left} {right})\n        (display {variable})))\n  (iota 1000))"
        ),
        "knights": (
            '(define (p x) (if x "{true}" "{false}"))\n'
            "(for-each (lambda ({a})\n  (for-each (lambda ({b})\n"
            "    (if (and (eq? {a} {first}) (eq? {b} {second}))\n"
            '        (format #t "{a} is ~a, and {b} is ~a." (p {a}) (p {b}))))\n'
            "  '(#t #f))) '(#t #f))"
        ),
    },
    claims={
        "telling-truth": "{0}",
        "lying": "(not {0})",
        "not": "(not {0})",
        "and": "(and {0} {1})",
        "or": "(or {0} {1})",
        "->": "(or (not {0}) {1})",
        "<=>": "(eq? {0} {1})",
    },
    mistakes=(
        *MISTAKES,
        mutation(r"\(display ", "(print "),
        mutation(r"\b(gcd|lcm) ", r"math.\1 "),
        mutation(r"\blogcount ", "popcount "),
        mutation(r"\(= ", "(== "),
        mutation(r"\(eq\? ", "(eq "),  # Common Lisp
        mutation(r"'\(#t #f\)", "(#t #f)"),
        mutation(r"\(lambda \((\w+)\)", r"(lambda \1"),
        mutation(r"\(iota 1000\)", "(range 1000)"),
        mutation(r"#t \"", 't "'),  # Common Lisp
        mutation(r"\(define \(p x\)", "(defun p (x)"),  # Common Lisp
    ),
    formula=prefix,
)
