"""Scheme: right programs as Guile runs them, and the mistakes of people who come from Python or from Common Lisp."""

from lowres_code.pocket.dialects import Dialect
from lowres_code.pocket.dialects.prefix import MISTAKES, prefix
from lowres_code.pocket.dialects.slips import slip

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
        slip(r"\(display ", "(print "),
        slip(r"\b(gcd|lcm) ", r"math.\1 "),
        slip(r"\blogcount ", "popcount "),
        slip(r"\(= ", "(== "),
        slip(r"\(eq\? ", "(eq "),  # Common Lisp
        slip(r"'\(#t #f\)", "(#t #f)"),
        slip(r"\(lambda \((\w+)\)", r"(lambda \1"),
        slip(r"\(iota 1000\)", "(range 1000)"),
        slip(r"#t \"", 't "'),  # Common Lisp
        slip(r"\(define \(p x\)", "(defun p (x)"),  # Common Lisp
    ),
    formula=prefix,
)
