"""Calls of functions of numbers: `clz`, `select`, `divmod`, `round`, `math.*`.

What operators say already is put together from them; the rest is a node of the IR.

    divmod(a, b)       (a // b, a % b), of which the divisor is checked once
    math.floor(x)      i64(floor(x))
    math.isnan(x)      x != x
    math.degrees(x)    x * 57.29577951308232
"""

from __future__ import annotations

import ast
import math
from typing import TYPE_CHECKING

from oxide_analyzer.frontends.oxide import operators
from oxide_analyzer.frontends.oxide.arguments import positional
from oxide_analyzer.frontends.oxide.values import (
    UNKNOWN,
    Give,
    Number,
    TupleValue,
    again,
    is_plain,
)
from oxide_analyzer.interpreter import arithmetic
from oxide_analyzer.ir.nodes import (
    Binary,
    BinaryOp,
    Compare,
    CompareOp,
    Const,
    Convert,
    Math,
    MathFunction,
    Select,
    Unary,
    UnaryOp,
)
from oxide_analyzer.language.functions import EXACT, FAST, ROUNDED
from oxide_analyzer.language.types import BOOL, I64, Kind
from oxide_analyzer.rules.ox003_type_mismatch import no_common_type

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from oxide_analyzer.frontends.oxide.lowering import Lowering
    from oxide_analyzer.frontends.oxide.values import Unknown, Value
    from oxide_analyzer.ir.nodes import Expr
    from oxide_analyzer.language.builtins import Builtin
    from oxide_analyzer.source import Span


_FAST = "fast."


def apply(
    lowering: Lowering,
    function: MathFunction,
    numbers: Sequence[Number],
    nodes: Sequence[ast.expr],
    what: str,
    span: Span,
    *,
    is_fast: bool = False,
) -> Number | Unknown:
    """`function(numbers)` at the type in which they meet."""
    met = _together(lowering, numbers, nodes, what)
    if met is None:
        return UNKNOWN
    operands, made = met
    expr = Math(function, operands, made.type, span, is_fast)
    return lowering.flat(Number(expr, made.type, made.give, depth=made.depth))


def _together(
    lowering: Lowering, numbers: Sequence[Number], nodes: Sequence[ast.expr], what: str
) -> tuple[tuple[Expr, ...], Number] | None:
    """The operands in one type, and a number that says which; None where they were reported."""
    common = numbers[0]
    for number, node in zip(numbers[1:], nodes[1:], strict=True):
        met = lowering.meet(common, number)
        if met is None:
            lowering.mismatch(node, no_common_type(what.strip("`"), common.type, number.type))
            return None
        common = Number(number.expr, met[0], met[1], depth=max(common.depth, number.depth))
    exprs: list[Expr] = []
    for number, node in zip(numbers, nodes, strict=True):
        expr = lowering.convert(number, common.type, node, f"an argument of {what}")
        if expr is None:
            return None
        exprs.append(expr)
    give = Give.WEAK if common.give is Give.LITERAL else common.give
    return tuple(exprs), Number(exprs[0], common.type, give, depth=common.depth + 1)


def _operands(lowering: Lowering, node: ast.Call, row: Builtin, count: int) -> list[Number] | None:
    """So many numbers; None where something was reported."""
    arguments = positional(lowering, node, row, count, count)
    if arguments is None:
        return None
    values = [
        operators.operand(lowering, lowering.evaluate(argument), argument) for argument in arguments
    ]
    found = [value for value in values if value is not None]
    return found if len(found) == len(values) else None


def _floats(lowering: Lowering, node: ast.Call, row: Builtin, count: int) -> list[Number] | None:
    """So many floats, of which literals may be written as integers beside one that is a float."""
    numbers = _operands(lowering, node, row, count)
    if numbers is None:
        return None
    some = any(number.type.is_float for number in numbers)
    found: list[Number] = []
    for number, argument in zip(numbers, node.args, strict=True):
        adapts = some and number.type.is_integer
        if not number.type.is_float and not adapts:
            made = lowering.floating(number, argument, row.name)
            if made is None:
                return None
            found.append(made)
        else:
            found.append(number)
    return found


def _function(lowering: Lowering, node: ast.Call, row: Builtin) -> Value:
    function = MathFunction(row.short_name)
    numbers = _floats(lowering, node, row, function.arity)
    if numbers is None:
        return UNKNOWN
    span = lowering.span(node)
    is_fast = row.name.startswith(_FAST)
    return apply(lowering, function, numbers, node.args, f"`{row.name}`", span, is_fast=is_fast)


def _float(lowering: Lowering, node: ast.Call, row: Builtin) -> Number | None:
    """The one float of a call, settled and to be used more than once."""
    numbers = _floats(lowering, node, row, 1)
    if numbers is None:
        return None
    met = _together(lowering, numbers, node.args, f"`{row.name}`")
    if met is None:
        return None
    (expr,), made = met
    number = Number(expr, made.type, made.give, depth=made.depth)
    return number if is_plain(number) else lowering.hold(number, lowering.span(node))


def _once_more(number: Number, span: Span) -> Expr:
    if isinstance(number.expr, Const):
        return Const(number.expr.value, number.type, span)
    placed = again(number, span)
    assert isinstance(placed, Number)
    return placed.expr


def _bits(lowering: Lowering, node: ast.Call, row: Builtin) -> Value:
    numbers = _operands(lowering, node, row, 1)
    if numbers is None:
        return UNKNOWN
    (number,) = numbers
    if not number.type.is_integer:
        return lowering.mismatch(
            node.args[0], f"`{row.name}` is for integers, the value is {number.type}"
        )
    expr = lowering.convert(number, number.type, node.args[0], f"the argument of `{row.name}`")
    if expr is None:
        return UNKNOWN
    give = Give.WEAK if number.give is Give.LITERAL else number.give
    made = Unary(UnaryOp(row.name), expr, number.type, lowering.span(node))
    return lowering.flat(Number(made, number.type, give, depth=number.depth + 1))


def _magnitude(lowering: Lowering, node: ast.Call, row: Builtin) -> Value:
    number = _float(lowering, node, row)
    if number is None:
        return UNKNOWN
    expr = Unary(UnaryOp.ABS, number.expr, number.type, lowering.span(node))
    return Number(expr, number.type, number.give, depth=number.depth + 1)


def _scaled(factor: float) -> Callable[[Lowering, ast.Call, Builtin], Value]:
    def scale(lowering: Lowering, node: ast.Call, row: Builtin) -> Value:
        number = _float(lowering, node, row)
        if number is None:
            return UNKNOWN
        span = lowering.span(node)
        constant = Const(arithmetic.literal(factor, number.type), number.type, span)
        expr = Binary(BinaryOp.MUL, number.expr, constant, number.type, span)
        return Number(expr, number.type, number.give, depth=number.depth + 1)

    return scale


def _to_integer(lowering: Lowering, node: ast.Call, row: Builtin) -> Value:
    """`round`, `math.floor`, `math.ceil`, `math.trunc`: of an integer, itself."""
    numbers = _operands(lowering, node, row, 1)
    if numbers is None:
        return UNKNOWN
    (number,) = numbers
    if number.type.is_integer:
        return number
    if number.type.kind is Kind.BOOL:
        return lowering.mismatch(node.args[0], f"`{row.name}` of a bool")
    span = lowering.span(node)
    expr = lowering.convert(number, number.type, node.args[0], f"the argument of `{row.name}`")
    if expr is None:
        return UNKNOWN
    whole = Math(MathFunction(row.short_name), (expr,), number.type, span)
    return lowering.flat(Number(Convert(whole, I64, span), I64, depth=number.depth + 2))


def _is_nan(lowering: Lowering, node: ast.Call, row: Builtin) -> Value:
    number = _float(lowering, node, row)
    if number is None:
        return UNKNOWN
    span = lowering.span(node)
    return Number(Compare(CompareOp.NE, number.expr, _once_more(number, span), span), BOOL)


def _beside_infinity(op: CompareOp) -> Callable[[Lowering, ast.Call, Builtin], Value]:
    def test(lowering: Lowering, node: ast.Call, row: Builtin) -> Value:
        number = _float(lowering, node, row)
        if number is None:
            return UNKNOWN
        span = lowering.span(node)
        magnitude = Unary(UnaryOp.ABS, number.expr, number.type, span)
        return Number(Compare(op, magnitude, Const(math.inf, number.type, span), span), BOOL)

    return test


def _parts(lowering: Lowering, node: ast.Call, row: Builtin) -> Value:
    """`math.modf`: the fraction of an infinity is 0."""
    number = _float(lowering, node, row)
    if number is None:
        return UNKNOWN
    span, type = lowering.span(node), number.type
    truncated = Math(MathFunction.TRUNC, (number.expr,), type, span)
    whole = lowering.hold(Number(truncated, type, number.give), span)
    rest = Binary(BinaryOp.SUB, _once_more(number, span), _once_more(whole, span), type, span)
    same = Compare(CompareOp.EQ, _once_more(number, span), _once_more(whole, span), span)
    fraction = Select(same, Const(0.0, type, span), rest, type, span)
    signed = Math(MathFunction.COPYSIGN, (fraction, _once_more(number, span)), type, span)
    return TupleValue((Number(signed, type, number.give, depth=4), whole))


def _exponent_and_rest(lowering: Lowering, node: ast.Call, row: Builtin) -> Value:
    """`math.frexp`."""
    number = _float(lowering, node, row)
    if number is None:
        return UNKNOWN
    span, type = lowering.span(node), number.type
    rest = Math(MathFunction.SIGNIFICAND, (number.expr,), type, span)
    power = Math(MathFunction.EXPONENT, (_once_more(number, span),), type, span)
    depth = number.depth + 1
    whole = Number(Convert(power, I64, span), I64, depth=depth + 1)
    return TupleValue((Number(rest, type, number.give, depth=depth), whole))


def _scaled_by_power(lowering: Lowering, node: ast.Call, row: Builtin) -> Value:
    """`math.ldexp`."""
    numbers = _operands(lowering, node, row, 2)
    if numbers is None:
        return UNKNOWN
    number, power = numbers
    what = f"`{row.name}`"
    if not number.type.is_float:
        made = lowering.floating(number, node.args[0], row.name)
        if made is None:
            return UNKNOWN
        number = made
    if not power.type.is_integer:
        return lowering.mismatch(
            node.args[1], f"the second argument of {what} is an integer, this is {power.type}"
        )
    met = _together(lowering, [number], node.args[:1], what)
    exponent = lowering.convert(power, power.type, node.args[1], f"an argument of {what}")
    if met is None or exponent is None:
        return UNKNOWN
    (expr,), made = met
    span = lowering.span(node)
    scaled = Math(MathFunction.LDEXP, (expr, Convert(exponent, made.type, span)), made.type, span)
    depth = max(made.depth, power.depth + 2)
    return lowering.flat(Number(scaled, made.type, made.give, depth=depth))


def _divmod(lowering: Lowering, node: ast.Call, row: Builtin) -> Value:
    numbers = _operands(lowering, node, row, 2)
    if numbers is None:
        return UNKNOWN
    span = lowering.span(node)
    left, right = (lowering.hold(number, span) for number in numbers)
    left_node, right_node = node.args
    pair = ast.copy_location(ast.BinOp(left_node, ast.FloorDiv(), right_node), node)
    quotient = operators.arithmetic(lowering, ast.FloorDiv(), left, right, pair, right_node)
    if quotient is None:
        return UNKNOWN
    if isinstance(quotient.expr, Binary) and quotient.give is not Give.LITERAL:
        found = quotient.expr
        again_left = lowering.convert(left, found.type, left_node, "it")
        again_right = lowering.convert(right, found.type, right_node, "it")
        if again_left is None or again_right is None:
            return UNKNOWN
        one = _once_more(Number(again_left, found.type), span)
        other = _once_more(Number(again_right, found.type), span)
        expr = Binary(BinaryOp.MOD, one, other, found.type, span, found.site)
        return TupleValue((quotient, Number(expr, found.type, quotient.give, depth=2)))
    rest = operators.arithmetic(lowering, ast.Mod(), left, right, pair, right_node)
    return UNKNOWN if rest is None else TupleValue((quotient, rest))


def _power(lowering: Lowering, node: ast.Call, row: Builtin) -> Value:
    numbers = _operands(lowering, node, row, 2)
    if numbers is None:
        return UNKNOWN
    pair = ast.copy_location(ast.BinOp(node.args[0], ast.Pow(), node.args[1]), node)
    made = operators.arithmetic(lowering, ast.Pow(), numbers[0], numbers[1], pair, node.args[1])
    return made or UNKNOWN


def _select(lowering: Lowering, node: ast.Call, row: Builtin) -> Value:
    arguments = positional(lowering, node, row, 3, 3)
    if arguments is None:
        return UNKNOWN
    condition_node, *nodes = arguments
    value = lowering.evaluate(condition_node)
    condition = lowering.truth(value, condition_node)
    numbers = [lowering.evaluate_number(argument) for argument in nodes]
    found = [number for number in numbers if number is not None]
    if condition is None or len(found) != len(numbers):
        return UNKNOWN
    met = _together(lowering, found, nodes, f"`{row.name}`")
    if met is None:
        return UNKNOWN
    (then, otherwise), made = met
    depth = max(made.depth, value.depth + 1 if isinstance(value, Number) else 0)
    expr = Select(condition, then, otherwise, made.type, lowering.span(node))
    return lowering.flat(Number(expr, made.type, made.give, depth=depth))


FUNCTIONS: dict[str, Callable[[Lowering, ast.Call, Builtin], Value]] = {
    "clz": _bits,
    "popc": _bits,
    "brev": _bits,
    "fma": _function,
    "rsqrt": _function,
    "select": _select,
    "divmod": _divmod,
    "round": _to_integer,
    "pow": _power,
    **{name: _function for name, _, _ in (*EXACT, *ROUNDED, *FAST)},
    "math.floor": _to_integer,
    "math.ceil": _to_integer,
    "math.trunc": _to_integer,
    "math.isnan": _is_nan,
    "math.isinf": _beside_infinity(CompareOp.EQ),
    "math.isfinite": _beside_infinity(CompareOp.LT),
    "math.fabs": _magnitude,
    "math.degrees": _scaled(180 / math.pi),
    "math.radians": _scaled(math.pi / 180),
    "math.modf": _parts,
    "math.frexp": _exponent_and_rest,
    "math.ldexp": _scaled_by_power,
}
