"""Numbers outside of kernels, as far as the source says them.

What Python would compute from literals, constants and arithmetic is computed here exactly; what
needs a call or a live object keeps its kind (int, float) and has no value.

    TILE = 16             16
    PAD = TILE + 1        17
    SCALE = 1 / TILE      0.0625
    N = read_size()       an int that only the live program knows
"""

from __future__ import annotations

import ast
import math
import operator
from typing import TYPE_CHECKING

from oxide_analyzer.frontends.oxide.meanings import (
    EnumMember,
    Known,
    Meaning,
    NumberConstant,
    NumberKind,
    TupleConstant,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from oxide_analyzer.frontends.oxide.resolution import Resolver
    from oxide_analyzer.frontends.oxide.scopes import Scope

# Nothing that a kernel can hold is longer, and Python would build any length.
_LONGEST = 128
MATH_VALUES = {
    "math.inf": math.inf,
    "math.nan": math.nan,
    "math.pi": math.pi,
    "math.e": math.e,
    "math.tau": math.tau,
}
_INTEGER_ONLY: dict[type[ast.operator], Callable[[int, int], int]] = {
    ast.BitAnd: operator.and_,
    ast.BitOr: operator.or_,
    ast.BitXor: operator.xor,
    ast.LShift: operator.lshift,
    ast.RShift: operator.rshift,
}
_ARITHMETIC: dict[type[ast.operator], Callable[[float, float], float]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
    ast.FloorDiv: operator.floordiv,
    ast.Mod: operator.mod,
    ast.Pow: operator.pow,
}


def evaluate(node: ast.expr, scope: Scope, resolver: Resolver) -> Meaning | None:
    """The number or tuple of numbers that an expression outside of kernels gives, or None."""
    match node:
        case ast.Constant(value=bool() | int() | float() as value):
            return constant(value, scope)
        case ast.Name() | ast.Attribute():
            match resolver.expression(node, scope):
                case Known(builtin=row) if row.name in MATH_VALUES:
                    return constant(MATH_VALUES[row.name], scope)
                case NumberConstant() | TupleConstant() as found:
                    return found
                case EnumMember(value=value):
                    return constant(value, scope)
                case _:
                    return None
        case ast.Tuple(elts=elements):
            items = [evaluate(element, scope, resolver) for element in elements]
            found = tuple(i for i in items if isinstance(i, NumberConstant | TupleConstant))
            return TupleConstant(found) if len(found) == len(items) and items else None
        case ast.UnaryOp(op=op, operand=operand):
            found = evaluate(operand, scope, resolver)
            return _unary(op, found) if isinstance(found, NumberConstant) else None
        case ast.BinOp(left=left, op=op, right=right):
            one, other = evaluate(left, scope, resolver), evaluate(right, scope, resolver)
            if isinstance(one, NumberConstant) and isinstance(other, NumberConstant):
                return _binary(op, one, other)
            return None
        case _:
            return None


def constant(value: int | float | bool, scope: Scope) -> NumberConstant:
    """A number that stands in the source."""
    return NumberConstant(kind_of(value), value, scope, "")


def kind_of(value: int | float | bool) -> NumberKind:
    """Which of Python's types of numbers it is."""
    if isinstance(value, bool):
        return NumberKind.BOOL
    return NumberKind.INT if isinstance(value, int) else NumberKind.FLOAT


def fold(
    op: ast.operator, left: int | float | bool, right: int | float | bool
) -> int | float | bool | None:
    """What Python computes, or None if it raises, gives no number, or one beyond any type."""
    integers = isinstance(left, int) and isinstance(right, int)
    if isinstance(op, ast.LShift | ast.RShift | ast.Pow) and not abs(right) <= _LONGEST:
        return None
    try:
        if type(op) in _INTEGER_ONLY:
            result = _INTEGER_ONLY[type(op)](int(left), int(right)) if integers else None
        elif type(op) in _ARITHMETIC:
            result = _ARITHMETIC[type(op)](left, right)
        else:
            result = None
    except (ArithmeticError, ValueError):
        return None
    if isinstance(result, int) and result.bit_length() > _LONGEST:
        return None
    return result if isinstance(result, int | float) else None


def describe(node: ast.expr) -> str:
    """What a value is, for messages: "… is a list"."""
    match node:
        case ast.List() | ast.ListComp():
            return "a list"
        case ast.Dict() | ast.DictComp():
            return "a dict"
        case ast.Set() | ast.SetComp():
            return "a set"
        case ast.Tuple():
            return "a tuple"
        case ast.Lambda():
            return "a lambda"
        case ast.JoinedStr() | ast.Constant(value=str()):
            return "a string"
        case ast.Constant(value=None):
            return "None"
        case _:
            return "a host object"


def _unary(op: ast.unaryop, operand: NumberConstant) -> NumberConstant | None:
    value = operand.value
    match op:
        case ast.USub():
            return NumberConstant(
                operand.kind, None if value is None else -value, operand.scope, ""
            )
        case ast.UAdd():
            return operand
        case ast.Invert() if operand.kind is NumberKind.INT:
            known = -1 - value if isinstance(value, int) else None
            return NumberConstant(NumberKind.INT, known, operand.scope, "")
        case ast.Not():
            return NumberConstant(
                NumberKind.BOOL, None if value is None else not value, operand.scope, ""
            )
        case _:
            return None


def _binary(op: ast.operator, left: NumberConstant, right: NumberConstant) -> NumberConstant | None:
    if left.value is not None and right.value is not None:
        result = fold(op, left.value, right.value)
        return None if result is None else NumberConstant(kind_of(result), result, left.scope, "")
    floats = NumberKind.FLOAT in (left.kind, right.kind) or isinstance(op, ast.Div)
    return NumberConstant(NumberKind.FLOAT if floats else NumberKind.INT, None, left.scope, "")
