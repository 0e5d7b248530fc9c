"""Operators on Numba's numbers, complex ones among them, and literals that Oxide has not."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING, TypeGuard

from oxide_analyzer.frontends.numba import complexes, supplied
from oxide_analyzer.frontends.oxide import choice, operators
from oxide_analyzer.frontends.oxide.values import UNKNOWN, Give, Number, again
from oxide_analyzer.ir.nodes import BinaryOp, Const, LogicOp
from oxide_analyzer.language.types import BOOL, F64, Kind
from oxide_analyzer.rules.ox002_unsupported_construct import operator as unsupported

if TYPE_CHECKING:
    from oxide_analyzer.frontends.numba.lowering import NumbaLowering
    from oxide_analyzer.frontends.oxide.values import Value


def constant(lowering: NumbaLowering, node: ast.Constant) -> Value:
    """A literal; a complex one is a number that decides nothing, as is text."""
    value = node.value
    if lowering.launched is not None and isinstance(value, float):
        return Number(Const(value, F64, lowering.span(node)), F64, Give.LITERAL, value, True)
    if isinstance(value, bool | int | float):
        return operators.constant(lowering, node)
    if isinstance(value, complex):
        return complexes.of_literal(lowering, value, lowering.span(node))
    return UNKNOWN


def binary(lowering: NumbaLowering, node: ast.BinOp) -> Value:
    """`left op right`; a chain of operators is walked along its left side, not recursed into."""
    chain = [node]
    while isinstance(chain[-1].left, ast.BinOp):
        chain.append(chain[-1].left)
    left = lowering.evaluate(chain[-1].left)
    for link in reversed(chain):
        right = lowering.evaluate(link.right)
        left = combined(lowering, link.op, left, right, link, link.right)
    return left


def combined(
    lowering: NumbaLowering,
    op: ast.operator,
    left: Value,
    right: Value,
    node: ast.BinOp | ast.AugAssign,
    right_node: ast.expr,
) -> Value:
    """One operator applied to two values."""
    left_node = node.left if isinstance(node, ast.BinOp) else node.target
    if complexes.is_complex(left) or complexes.is_complex(right):
        span, known = lowering.span(node), operators.BINARY.get(type(op))
        sides = (lowering.operand(left, left_node), lowering.operand(right, right_node))
        made = None if known is None else complexes.arithmetic(lowering, known, *sides, span)
        if made is not None:
            return made
        if known is BinaryOp.POW:
            return supplied.power(lowering, node, *sides)
        lowering.assume(node, f"`{lowering.text(right_node)}` beside a complex number")
        return UNKNOWN
    one = operators.operand(lowering, left, left_node)
    other = operators.operand(lowering, right, right_node)
    if type(op) not in operators.BINARY:
        lowering.refuse(node, unsupported(op))
        return UNKNOWN
    if one is None or other is None:
        return UNKNOWN
    return operators.arithmetic(lowering, op, one, other, node, right_node) or UNKNOWN


def one_of(lowering: NumbaLowering, node: ast.BoolOp) -> Value:
    """`n or 8`, `i and a[i]`: the operand that decides, as in Python; of bools that is `or`, `and`.

    What is asked for its truth alone does not come here: see `NumbaLowering.decision`.
    """
    is_or, span = isinstance(node.op, ast.Or), lowering.span(node)
    value, value_node = lowering.evaluate(node.values[0]), node.values[0]
    for right_node in node.values[1:]:
        with lowering.collect() as inner:
            right = lowering.evaluate(right_node)
        if _is_bool(value) and _is_bool(right):
            op = LogicOp.OR if is_or else LogicOp.AND
            made = operators.guarded(lowering, op, value.expr, inner, right.expr, span)
            depth = max(value.depth, right.depth) + 1
            value = lowering.flat(Number(made, BOOL, depth=depth))
            continue
        if isinstance(value, Number):
            value = lowering.hold(value, lowering.span(value_node))
        decides = lowering.truth(value, value_node)
        left = choice.Side(value_node, again(value, span), [])
        other = choice.Side(right_node, right, inner)
        then, otherwise = (left, other) if is_or else (other, left)
        value = choice.chosen(
            lowering, node, Number(decides, BOOL, depth=1), value_node, then, otherwise
        )
        value_node = node
    return value


def _is_bool(value: Value) -> TypeGuard[Number]:
    return isinstance(value, Number) and value.type.kind is Kind.BOOL


def compare(lowering: NumbaLowering, node: ast.Compare) -> Value:
    """`a < b`; whether a number is None, nobody knows before there is a launch: elements may be of
    a type that the source does not show."""
    match node:
        case ast.Compare(
            left=left,
            ops=[ast.Is() | ast.IsNot() as op],
            comparators=[ast.Constant(value=None)],
        ):
            value, span = lowering.evaluate(left), lowering.span(node)
            if not isinstance(value, Number):
                return operators.compare(lowering, node)
            if lowering.launched is not None:
                return Number(Const(isinstance(op, ast.IsNot), BOOL, span), BOOL)
            lowering.assume(node, unsupported(op))
            text = lowering.text(node)
            return lowering.forget(node, f"`{text}`", BOOL, adapts=False, of=[value])
        case _:
            return operators.compare(lowering, node)


def named(lowering: NumbaLowering, node: ast.NamedExpr) -> Value:
    """`(x := value)`."""
    value = lowering.evaluate(node.value)
    key = (lowering.frame.key, node.target.id)
    lowering.assign(key, value, node.value, lowering.span(node))
    return lowering.read(key, node.target)


def opaque(lowering: NumbaLowering, node: ast.expr) -> Value:
    """An expression that kernels of Oxide have not: its parts are read, its value is unknown."""
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.expr) and not isinstance(child, ast.Starred):
            lowering.lose(lowering.evaluate(child))
    lowering.assume(node, f"the value of `{lowering.text(node)}`")
    return UNKNOWN
