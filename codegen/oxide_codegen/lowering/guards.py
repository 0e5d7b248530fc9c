"""Guards that all the work of a kernel lies under, so that who runs many threads asks once.

    i = block.x * block_dim.x + thread.x
    if i < len(a) and i < n: body(i)          is        Guard((i < len(a), i < n), i = …; body(i))

    if i >= n: return                         is        Guard((i < n,), i = …; body(i))
    body(i)

Along a row of threads such an index grows by one, and the bound stays: whether the last of some
neighbours passes says that all of them do, and a subtraction says how many pass.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from oxide_analyzer.ir.nodes import (
    Assign,
    Binary,
    BinaryOp,
    Compare,
    CompareOp,
    Const,
    Dim,
    If,
    Logic,
    LogicOp,
    Param,
    Read,
    Register,
    Return,
    Special,
)
from oxide_analyzer.ir.operators import OPPOSITE
from oxide_analyzer.language.types import I64
from oxide_analyzer.record import record

if TYPE_CHECKING:
    from collections.abc import Mapping

    from oxide_analyzer.ir.kernel import Kernel
    from oxide_analyzer.ir.nodes import Block, Expr, Local


@record
class Bound:
    """`index < limit`: the index is `thread.x` plus what is one for the threads of a row, and so
    is the limit.
    """

    index: Expr
    limit: Expr


@record
class Guard:
    """All that a thread does: nothing unless every bound holds, else `body`."""

    bounds: tuple[Bound, ...]
    body: Block


def folded_guard(kernel: Kernel) -> Guard | None:
    """The guard of a kernel that does all its work under one, or behind an early return."""
    values: dict[Local, Expr] = {}
    for position, statement in enumerate(kernel.body):
        before, behind = kernel.body[:position], kernel.body[position + 1 :]
        match statement:
            case Assign(target=target, value=value) if target not in values:
                values[target] = value
            case If(condition=condition, then=then, otherwise=()) if not behind:
                bounds = _bounds(condition, values, negated=False)
                return Guard(bounds, (*before, *then)) if bounds else None
            case If(condition=condition, then=(Return(),), otherwise=()):
                bounds = _bounds(condition, values, negated=True)
                return Guard(bounds, (*before, *behind)) if bounds else None
            case _:
                return None
    return None


def _bounds(
    condition: Expr, values: Mapping[Local, Expr], *, negated: bool
) -> tuple[Bound, ...] | None:
    """The bounds that say what a condition, or its opposite, says."""
    match condition:
        case Logic(op=op, left=left, right=right) if op is (LogicOp.OR if negated else LogicOp.AND):
            first = _bounds(left, values, negated=negated)
            second = _bounds(right, values, negated=negated)
            return first + second if first and second else None
        case Compare():
            bound = _bound(condition, values, negated=negated)
            return bound and (bound,)
        case _:
            return None


def _bound(condition: Compare, values: Mapping[Local, Expr], *, negated: bool) -> Bound | None:
    match OPPOSITE[condition.op] if negated else condition.op:
        case CompareOp.LT:
            index, limit = condition.left, condition.right
        case CompareOp.GT:
            index, limit = condition.right, condition.left
        case _:
            return None
    index, limit = _resolved(index, values), _resolved(limit, values)
    if index.type != I64 or not _is_fixed(limit) or _threads(index) != 1:
        return None
    return Bound(index, limit)


def _resolved(expr: Expr, values: Mapping[Local, Expr]) -> Expr:
    while isinstance(expr, Read) and expr.local in values:
        expr = values[expr.local]
    return expr


def _is_fixed(limit: Expr) -> bool:
    return isinstance(limit, Const | Dim | Param)


def _threads(index: Expr) -> int | None:
    """How often `thread.x` stands in a sum of special registers and their products, else None.

    Such a sum stays far below 2**63, so that `n - i0` is what it seems.
    """
    match index:
        case Special(register=Register.THREAD, axis=0):
            return 1
        case Special(register=Register.LANE | Register.WARP):
            return None
        case Special():
            return 0
        case Binary(op=BinaryOp.ADD, left=left, right=right):
            counts = _threads(left), _threads(right)
            return None if counts[0] is None or counts[1] is None else counts[0] + counts[1]
        case Binary(op=BinaryOp.MUL, left=left, right=right):
            is_place = _threads(left) == 0 and _threads(right) == 0
            return 0 if is_place and not _is_product(left) and not _is_product(right) else None
        case Const(value=value) if 0 <= value < 1 << 20:
            return 0
        case _:
            return None


def _is_product(expr: Expr) -> bool:
    return isinstance(expr, Binary)
