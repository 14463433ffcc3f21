"""Common Lisp: right programs, and the mistakes of people who come from Python or from Scheme."""

from lowres_code.pocket.dialects import Dialect
from lowres_code.pocket.dialects.mutations import mutation
from lowres_code.pocket.dialects.prefix import MISTAKES, prefix

DIALECT = Dialect(
    language="Common Lisp",
    templates={
        "arithmetic": "(print {expression})",
        "gcd": "(print (gcd {a} {b}))",
        "lcm": "(print (lcm {a} {b}))",
        "bits": "(print (logcount {n}))",
        "fraction": "(print (/ {a} {b}))",
        "equation": "(dotimes ({VARIABLE} 1000)\n  (if (= {LEFT} {right})\n      (print {VARIABLE})))",
        "knights": (
            '(defun p (x) (if x "{true}" "{false}"))\n'
            "(dolist ({a} '(t nil))\n  (dolist ({b} '(t nil))\n"
            "    (if (and (eq {a} {first}) (eq {b} {second}))\n"
            '        (format t "{a} is ~a, and {b} is ~a." (p {a}) (p {b})))))'
        ),
    },
    claims={
        "telling-truth": "{0}",
        "lying": "(not {0})",
        "not": "(not {0})",
        "and": "(and {0} {1})",
        "or": "(or {0} {1})",
        "->": "(or (not {0}) {1})",
        "<=>": "(eq {0} {1})",
    },
    mistakes=(
        *MISTAKES,
        mutation(r"\(print ", "(display "),  # Scheme
        mutation(r"\b(gcd|lcm) ", r"math:\1 "),
        mutation(r"\blogcount ", "bit-count "),
        mutation(r"\(= ", "(== "),
        mutation(r"'\(t nil\)", "'(#t #f)"),  # Scheme
        mutation(r"'\(t nil\)", "(t nil)"),
        mutation(r"\(dotimes \((\w) 1000\)", r"(for \1 in (range 1000)"),
        mutation(r"\(dolist \((\w+) '\(t nil\)\)", r"(for \1 in '(t nil)"),
        mutation(r"\(format t ", "(printf "),
        mutation(r"\(defun p \(x\)", "(define (p x)"),  # Scheme
    ),
    formula=prefix,
    variable=lambda _: "x",  # an equation's own may be T, which is a constant
)
