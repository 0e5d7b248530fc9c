"""What a `for` goes over: `range` and `grid_stride`, and where a thread is in the grid."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING

from oxide_analyzer.frontends.oxide.arguments import positional
from oxide_analyzer.frontends.oxide.meanings import Known
from oxide_analyzer.frontends.oxide.operators import divisor_check
from oxide_analyzer.frontends.oxide.values import ArrayValue, MeaningValue, Unknown
from oxide_analyzer.ir.nodes import (
    Binary,
    BinaryOp,
    Const,
    DivisorRole,
    Ownership,
    Register,
    Special,
)
from oxide_analyzer.language.builtins import lookup
from oxide_analyzer.language.types import I64
from oxide_analyzer.rules import ox002_unsupported_construct

if TYPE_CHECKING:
    from oxide_analyzer.frontends.oxide.lowering import Lowering
    from oxide_analyzer.ir.nodes import Expr
    from oxide_analyzer.source import Span


def iteration(lowering: Lowering, node: ast.expr) -> tuple[Expr, Expr, Expr] | ArrayValue | None:
    """Start, stop and step of what a `for` goes over, or the array whose elements it takes; None
    where it was reported."""
    if isinstance(node, ast.Call):
        target = lowering.evaluate(node.func)
        if isinstance(target, Unknown):
            return None
        if isinstance(target, MeaningValue) and isinstance(target.meaning, Known):
            name = target.meaning.builtin.name
            if name == "range":
                return _range(lowering, node)
            if name == "grid_stride":
                return _grid_stride(lowering, node)
        text = lowering.text(node.func)
        lowering.refuse(node, ox002_unsupported_construct.loop_over(text))
        return None
    value = lowering.evaluate(node)
    match value:
        case ArrayValue(rank=1, array=array) if array.ownership is not Ownership.ATOMIC:
            return value
        case ArrayValue(rank=1):
            lowering.refuse(node, "elements of an `AtomicSlice` are read by `atomic.load`")
        case ArrayValue():
            text = lowering.text(node)
            lowering.refuse(
                node, f"kernels loop over indices here: `for k in range(len({text}))`, `{text}[k]`"
            )
        case Unknown():
            pass
        case _:
            lowering.refuse(node, "kernels loop over `range(…)` and `grid_stride(…)`")
    return None


def _range(lowering: Lowering, node: ast.Call) -> tuple[Expr, Expr, Expr] | None:
    row = lookup("range")
    assert row is not None
    arguments = positional(lowering, node, row, 1, 3)
    if arguments is None:
        return None
    span = lowering.span(node)
    found = [lowering.index(argument, "an argument of `range`") for argument in arguments]
    if any(expr is None for expr in found):
        return None
    exprs = [expr for expr in found if expr is not None]
    zero, one = Const(0, I64, span), Const(1, I64, span)
    if len(exprs) == 1:
        return zero, exprs[0], one
    if len(exprs) == 2:
        return exprs[0], exprs[1], one
    start, stop, step = exprs
    divisor_check(lowering, step, DivisorRole.STEP, lowering.span(arguments[2]))
    return start, stop, step


def _grid_stride(lowering: Lowering, node: ast.Call) -> tuple[Expr, Expr, Expr] | None:
    row = lookup("grid_stride")
    assert row is not None
    arguments = positional(lowering, node, row, 1, 1)
    if arguments is None:
        return None
    stop = lowering.index(arguments[0], "the argument of `grid_stride`")
    span = lowering.span(node)
    extent = Special(Register.BLOCK_DIM, 0, span)
    step = Binary(BinaryOp.MUL, Special(Register.GRID_DIM, 0, span), extent, I64, span)
    return None if stop is None else (linear_index(span), stop, step)


def linear_index(span: Span) -> Expr:
    """`thread.index_1d()`."""
    return index_along(0, span)


def index_along(axis: int, span: Span) -> Expr:
    """The thread's index in the grid along an axis."""
    block = Special(Register.BLOCK, axis, span)
    extent = Special(Register.BLOCK_DIM, axis, span)
    base = Binary(BinaryOp.MUL, block, extent, I64, span)
    return Binary(BinaryOp.ADD, base, Special(Register.THREAD, axis, span), I64, span)
