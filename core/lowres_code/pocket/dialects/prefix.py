"""Formulas as Lisps write them, and the mistakes that all Lisps see from people who come from infix languages."""

import ast
import re

from lowres_code.pocket.dialects.mutations import forget_last, mutation

_SIGNS: dict[type[ast.operator], str] = {ast.Add: "+", ast.Sub: "+", ast.Mult: "*", ast.Div: "/"}
_FIRST_NUMBER = re.compile(r"((?:\([*/] )*)(-?)(\d.*)")


def prefix(infix: str) -> str:
    """The formula in prefix form: ``12 - 3 * 4 + 5`` is ``(+ 12 (* -3 4) 5)``.

    It can be written from left to right while reading the infix form: a chain stays one chain, what stands in
    parentheses stays in its own, and a minus goes to the number after it.
    """
    return _written(ast.parse(infix, mode="eval").body)


def _written(node: ast.expr) -> str:
    match node:
        case ast.Constant(value=int(number)):
            return str(number)
        case ast.Name(id=name):
            return name
        case ast.UnaryOp(ast.USub(), operand):
            return f"(- {_written(operand)})" if isinstance(operand, ast.BinOp) else _negated(operand)
        case ast.BinOp(op=op):
            return f"({_SIGNS[type(op)]} {' '.join(_chain(node, _SIGNS[type(op)]))})"
    raise ValueError(f"cannot write {ast.unparse(node)!r} in prefix form")


def _chain(node: ast.BinOp, sign: str) -> list[str]:
    """What one operator is applied to. Where the left side begins later than the whole, it is in parentheses."""
    left, right = node.left, node.right
    goes_on = isinstance(left, ast.BinOp) and _SIGNS[type(left.op)] == sign and left.col_offset == node.col_offset
    before = _chain(left, sign) if goes_on and isinstance(left, ast.BinOp) else [_written(left)]
    return [*before, _negated(right) if isinstance(node.op, ast.Sub) else _written(right)]


def _negated(node: ast.expr) -> str:
    """Minus what the node says: the sign goes to a number where one comes first."""
    if isinstance(node, ast.UnaryOp):
        return _written(node.operand)
    text = _written(node)
    if number := _FIRST_NUMBER.fullmatch(text):
        products, minus, rest = number.groups()
        return f"{products}{'' if minus else '-'}{rest}"
    return f"(- {text})"


def infix(program: str) -> str:
    """The innermost formulas as everybody else writes them."""
    return re.sub(
        r"\(([-+*/=]) ([^()\s]+(?: [^()\s]+)+)\)",
        lambda match: f"({f' {match[1]} '.join(match[2].split())})",
        program,
    )


missing_parenthesis = forget_last(")")
call_before_parenthesis = mutation(r"\((print|display|gcd|lcm|logcount|format) ", r"\1(")
commas = mutation(r"(\d) (-?\d)", r"\1, \2")
quoted_formula = mutation(r"^\((print|display) \(", r"(\1 '(")
value_without_output = mutation(r"\((?:print|display) (\S+|\(.*\))\)", r"\1")  # as at the prompt of an interpreter


MISTAKES = (
    missing_parenthesis,
    infix,
    call_before_parenthesis,
    commas,
    quoted_formula,
    value_without_output,
)
