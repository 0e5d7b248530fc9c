"""Where the threads of Numba kernels meet: barriers with votes, warp operations, fences, groups.

    cuda.shfl_down_sync(mask, v, 16)      warp shuffle_down v, 16
    cuda.syncthreads_count(p)             block reduce_add of 1 where p holds, else 0
    cuda.cg.this_grid().sync()            a barrier of the grid

A mask of all ones means every lane that the warp has.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from oxide_analyzer.frontends.oxide.block_operations import supplied
from oxide_analyzer.frontends.oxide.meanings import Known
from oxide_analyzer.frontends.oxide.values import (
    NOTHING,
    UNKNOWN,
    MeaningValue,
    Number,
    TupleValue,
)
from oxide_analyzer.ir.nodes import (
    Barrier,
    Binary,
    BinaryOp,
    Compare,
    CompareOp,
    Const,
    Convert,
    Fence,
    Group,
    Logic,
    LogicOp,
    Not,
    Read,
    Register,
    Scope,
    Select,
    Special,
    WarpFunction,
    WarpOp,
)
from oxide_analyzer.ir.operators import VOTES
from oxide_analyzer.language import numba
from oxide_analyzer.language.types import BOOL, I32, I64, U32

if TYPE_CHECKING:
    import ast
    from collections.abc import Callable

    from oxide_analyzer.frontends.numba.lowering import NumbaLowering
    from oxide_analyzer.frontends.oxide.values import Value
    from oxide_analyzer.ir.nodes import Expr
    from oxide_analyzer.language.row import Builtin
    from oxide_analyzer.source import Span

_ALL = 0xFFFFFFFF
_WARP = {
    "cuda.shfl_sync": WarpFunction.SHUFFLE,
    "cuda.shfl_up_sync": WarpFunction.SHUFFLE_UP,
    "cuda.shfl_down_sync": WarpFunction.SHUFFLE_DOWN,
    "cuda.shfl_xor_sync": WarpFunction.SHUFFLE_XOR,
    "cuda.all_sync": WarpFunction.ALL,
    "cuda.any_sync": WarpFunction.ANY,
    "cuda.ballot_sync": WarpFunction.BALLOT,
    "cuda.match_any_sync": WarpFunction.MATCH_ANY,
    "cuda.match_all_sync": WarpFunction.MATCH_ALL,
}
_VOTES = {
    "cuda.syncthreads_count": "reduce_add",
    "cuda.syncthreads_and": "reduce_min",
    "cuda.syncthreads_or": "reduce_max",
}
_RESULTS = {
    WarpFunction.ANY: BOOL,
    WarpFunction.ALL: BOOL,
    WarpFunction.BALLOT: U32,
    WarpFunction.MATCH_ANY: U32,
    WarpFunction.MATCH_ALL: U32,
}


def sync_threads(lowering: NumbaLowering, node: ast.Call, row: Builtin) -> Value:
    """`cuda.syncthreads()`."""
    del row
    for argument in node.args:
        lowering.evaluate(argument)
    lowering.emit(Barrier(lowering.site(), lowering.span(node)))
    return NOTHING


def vote(lowering: NumbaLowering, node: ast.Call, row: Builtin) -> Value:
    """`cuda.syncthreads_count(p)` and its kin: a barrier that tells every thread for how many of
    the block, for all, or for any `p` holds."""
    if len(node.args) != 1:
        lowering.assume(node, f"`{lowering.text(node)}`")
        lowering.emit(Barrier(lowering.site(), lowering.span(node)))
        return UNKNOWN
    argument, span = node.args[0], lowering.span(node)
    holds = lowering.truth(lowering.evaluate(argument), argument)
    one, zero = Const(1, I32, span), Const(0, I32, span)
    given = [lowering.flat(Number(Select(holds, one, zero, I32, span), I32))]
    found = supplied(lowering, node, _VOTES[row.name], given, row.name)
    number = lowering.number(found, node)
    # It is no more than there are threads, which the sum does not show.
    most = _threads(span) if row.name.endswith("_count") else Const(1, I64, span)
    counted = Convert(number.expr, I64, span)
    least = Binary(BinaryOp.MAX, counted, Const(0, I64, span), I64, span)
    return lowering.flat(Number(Binary(BinaryOp.MIN, least, most, I64, span), I64, depth=4))


def _threads(span: Span) -> Expr:
    x, y, z = (Special(Register.BLOCK_DIM, axis, span) for axis in range(3))
    plane = Binary(BinaryOp.MUL, x, y, I64, span)
    return Binary(BinaryOp.MUL, plane, z, I64, span)


def fence(lowering: NumbaLowering, node: ast.Call, row: Builtin) -> Value:
    """`cuda.threadfence()` and its relatives."""
    scope = Scope(numba.FENCES[row.name])
    lowering.emit(Fence(scope, lowering.site(), lowering.span(node)))
    return NOTHING


def this_grid(lowering: NumbaLowering, node: ast.Call, row: Builtin) -> Value:
    """`cuda.cg.this_grid()`."""
    del lowering, node, row
    found = numba.row("cuda.cg.Grid")
    return MeaningValue(Known(found), ("grid",)) if found is not None else UNKNOWN


def grid_sync(lowering: NumbaLowering, node: ast.Call, row: Builtin) -> Value:
    """`grid.sync()`."""
    del row
    lowering.emit(Barrier(lowering.site(), lowering.span(node), Group.GRID))
    return NOTHING


def sync_warp(lowering: NumbaLowering, node: ast.Call, row: Builtin) -> Value:
    """`cuda.syncwarp()`, `jit.syncwarp(mask=m)`."""
    del row
    given = [*node.args, *(keyword.value for keyword in node.keywords)]
    mask = _mask(lowering, given[0]) if given else None
    site, span = lowering.site(), lowering.span(node)
    lowering.emit(WarpOp(WarpFunction.SYNC, None, None, None, mask, 32, False, site, span))
    return NOTHING


def warp(lowering: NumbaLowering, node: ast.Call, row: Builtin) -> Value:
    """`cuda.shfl_sync(mask, value, lane)`, `cuda.ballot_sync(mask, p)`, …"""
    function = _WARP[row.name]
    shuffles = function not in _RESULTS
    if len(node.args) != (3 if shuffles else 2) or node.keywords:
        lowering.assume(node, f"`{lowering.text(node)}`")
        return UNKNOWN
    mask = _mask(lowering, node.args[0])
    brought = lowering.evaluate(node.args[1])
    if function in VOTES:
        value = Number(lowering.truth(brought, node.args[1]), BOOL)
    else:
        number = lowering.number(brought, node.args[1])
        type = number.expr.type
        value = Number(lowering.convert(number, type, node.args[1], "the value"), type)
    lane = lowering.index(node.args[2]) if shuffles else None
    type = _RESULTS.get(function, value.type)
    span, target = lowering.span(node), lowering.temporary(type)
    site = lowering.site()
    lowering.emit(WarpOp(function, target, value.expr, lane, mask, 32, False, site, span))
    result = Number(Read(target, span), type)
    if _RESULTS.get(function) == U32:
        # Lanes are an int32 in Numba, below 0 where the last one is among them.
        result = Number(Convert(Read(target, span), I32, span), I32, depth=1)
    if function is WarpFunction.MATCH_ALL:
        some = Compare(CompareOp.NE, Read(target, span), Const(0, U32, span), span)
        return TupleValue((result, Number(some, BOOL)))
    return result


def equal(lowering: NumbaLowering, node: ast.Call, row: Builtin) -> Value:
    """`cuda.eq_sync(mask, p)`: whether all have the same; the lanes meet as for a vote."""
    if len(node.args) != 2:
        lowering.assume(node, f"`{row.name}` with {len(node.args)} arguments")
        return UNKNOWN
    mask = _mask(lowering, node.args[0])
    span = lowering.span(node)
    held = lowering.hold(
        Number(lowering.truth(lowering.evaluate(node.args[1]), node.args[1]), BOOL), span
    ).expr
    votes: list[Expr] = []
    for value in (held, Not(held, span)):
        target, site = lowering.temporary(BOOL), lowering.site()
        lowering.emit(WarpOp(WarpFunction.ALL, target, value, None, mask, 32, False, site, span))
        votes.append(Read(target, span))
    return Number(Logic(LogicOp.OR, votes[0], votes[1], span), BOOL, depth=2)


def _mask(lowering: NumbaLowering, node: ast.expr) -> Expr | None:
    """The lanes that take part; None for all that the warp has."""
    number = lowering.evaluate_number(node)
    if isinstance(number.value, int) and number.value & _ALL == _ALL:
        return None
    return lowering.convert(number, U32, node, "a mask")


CALLS: dict[str, Callable[[NumbaLowering, ast.Call, Builtin], Value]] = {
    "sync_threads": sync_threads,
    **dict.fromkeys(_VOTES, vote),
    **dict.fromkeys(numba.FENCES, fence),
    "cuda.cg.this_grid": this_grid,
    "cuda.cg.Grid.sync": grid_sync,
    "cuda.syncwarp": sync_warp,
    "cuda.eq_sync": equal,
    **dict.fromkeys(_WARP, warp),
}
