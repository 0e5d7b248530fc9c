"""`**`: products where the exponent is a literal, a shift where the base is 2.

    x ** 3        x * x * x
    x ** -2       1 / (x * x)         floats alone
    2 ** k        1 << k              k unsigned, or a constant that is not negative
    n ** k        n * n * … * n       wraps
    x ** y        math.pow(x, y)      of floats

An integer to a negative power is a fraction, which no integer is; so an exponent that may be
negative is refused.
"""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING

from oxide_analyzer.frontends.oxide import operators
from oxide_analyzer.frontends.oxide.mathematics import apply
from oxide_analyzer.frontends.oxide.values import (
    Give,
    Number,
    Unknown,
    again,
    is_plain,
    literal,
)
from oxide_analyzer.ir.nodes import Binary, BinaryOp, Const, MathFunction
from oxide_analyzer.language.types import Kind

if TYPE_CHECKING:
    from oxide_analyzer.frontends.oxide.lowering import Lowering
    from oxide_analyzer.source import Span

# Each factor rounds once: more of them are less exact than `pow`.
_MOST_FACTORS = 16
_MOST_WRITTEN = 4


def short_power(
    lowering: Lowering,
    left: Number,
    right: Number,
    node: ast.expr | ast.stmt,
    right_node: ast.expr,
) -> Number | Unknown | None:
    """The power, where it is not left to the operator of integers."""
    if Kind.BOOL in (left.type.kind, right.type.kind):
        return None
    if left.give is Give.LITERAL and right.give is Give.LITERAL:
        literals = isinstance(left.expr, Const) and isinstance(right.expr, Const)
        if literals or not (left.type.is_float or right.type.is_float):
            return _constants(lowering, right, node)
    exponent = right.value if isinstance(right.expr, Const) else None
    if left.type.is_float or right.type.is_float:
        if left.type.is_float and exponent is not None and _is_short(exponent):
            return _product(lowering, left, int(exponent), node, right_node)
        nodes = (_base(node, right_node), right_node)
        return apply(lowering, MathFunction.POW, (left, right), nodes, "`**`", lowering.span(node))
    if isinstance(exponent, int) and exponent >= 0:
        return _product(lowering, left, exponent, node, right_node)
    if isinstance(exponent, int):
        return lowering.mismatch(
            right_node,
            f"`**` of an integer by {exponent} is no integer; write `f32(…) ** {exponent}`",
        )
    known = right.give is Give.LITERAL and right.value is not None and right.value >= 0
    if right.type.is_signed and not known:
        return lowering.mismatch(right_node, _may_be_negative(lowering, left, right, right_node))
    if isinstance(left.expr, Const) and left.value == 2:
        one = literal(1, left.expr.span)
        assert one is not None
        shift = ast.LShift()
        made = operators.arithmetic(lowering, shift, one, right, node, right_node)
        return Unknown.UNKNOWN if made is None else made
    return None


def _may_be_negative(lowering: Lowering, left: Number, right: Number, right_node: ast.expr) -> str:
    text = lowering.text(right_node)
    if isinstance(left.expr, Const) and left.value == 2:
        return f"`2 ** {text}` is no integer where `{text}` is negative; write `1 << {text}`"
    # What a signed base can be joined with.
    bits = left.type.bits // 2 if left.type.is_signed else left.type.bits
    return (
        f"`**` of integers by {right.type}, which may be negative; "
        f"write `u{max(bits, 8)}({text})`, or compute with floats"
    )


def _constants(
    lowering: Lowering, right: Number, node: ast.expr | ast.stmt
) -> Number | Unknown | None:
    """Of two numbers known at compile time: folded, unless only the live program knows them."""
    if isinstance(right.expr, Const) or right.value is None or right.value >= 0:
        return None
    return lowering.mismatch(node, f"`**` of an integer by {right.value} is no integer")


def _is_short(exponent: float) -> bool:
    return exponent == exponent // 1 and abs(exponent) <= _MOST_FACTORS


def _product(
    lowering: Lowering,
    base: Number,
    exponent: int,
    node: ast.expr | ast.stmt,
    right_node: ast.expr,
) -> Number | Unknown:
    """`base` to the power of a literal, by squaring."""
    span = lowering.span(node)
    expr = lowering.convert(base, base.type, _base(node, right_node), "the base")
    if expr is None:
        return Unknown.UNKNOWN
    type = base.type
    give = Give.WEAK if base.give is Give.LITERAL else base.give
    one = Const(1.0 if type.is_float else 1, type, span)
    square = Number(expr, type, give, depth=base.depth)
    result: Number | None = None
    left = abs(exponent)
    if is_plain(square) and 0 < left <= _MOST_WRITTEN:
        result, left = _written(lowering, square, left, span), 0
    square = square if left == 0 else lowering.hold(square, span)
    while left:
        if left & 1:
            result = square if result is None else _times(lowering, result, square, span)
        left >>= 1
        if left:
            square = lowering.hold(_times(lowering, square, square, span), span)
    made = Number(one, type, give) if result is None else result
    if exponent < 0:
        made = Number(
            Binary(BinaryOp.DIV, one, made.expr, type, span), type, give, depth=made.depth + 1
        )
    return lowering.flat(made)


def _written(lowering: Lowering, base: Number, exponent: int, span: Span) -> Number:
    """A product as one expression, which messages can quote."""
    if exponent == 1:
        return base
    half = exponent // 2
    one = _written(lowering, base, exponent - half, span)
    return _times(lowering, one, _written(lowering, base, half, span), span)


def _times(lowering: Lowering, left: Number, right: Number, span: Span) -> Number:
    one, other = again(left, span), again(right, span)
    assert isinstance(one, Number)
    assert isinstance(other, Number)
    expr = Binary(BinaryOp.MUL, one.expr, other.expr, left.type, span)
    return lowering.flat(Number(expr, left.type, left.give, depth=max(left.depth, right.depth) + 1))


def _base(node: ast.expr | ast.stmt, right: ast.expr) -> ast.expr:
    """Where the left operand stands."""
    if isinstance(node, ast.BinOp):
        return node.left
    if isinstance(node, ast.AugAssign):
        return node.target
    return right
