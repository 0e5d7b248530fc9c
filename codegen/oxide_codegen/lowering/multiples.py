"""What the facts of a launch say is a multiple, as LLVM is told.

    requires=lambda a: a.shape[1] % 4 == 0        is      and i64 %a.1, 3; icmp eq 0; llvm.assume

With that, and arrays that start at multiples of 16 bytes, LLVM sees that `a[i, 4 * k]` does too,
and makes one access of four neighbours. Of a block whose width is a multiple of a warp, every warp
is whole. Extents that are equal are one value: where `b.shape[1] == a.shape[1]`, the rows of both
start equally far behind. Facts are checked at launch, so nothing is assumed that is not so.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from oxide_analyzer.ir.nodes import (
    Binary,
    BinaryOp,
    Compare,
    CompareOp,
    Const,
    Dim,
    Logic,
    LogicOp,
    Param,
    Register,
    Special,
)
from oxide_analyzer.launch import WARP

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from oxide_analyzer.ir.nodes import Expr
    from oxide_codegen.lowering.context import Context


def multiples(conditions: Iterable[Expr]) -> Iterator[tuple[Expr, int]]:
    """What is a multiple of which power of two."""
    for condition in conditions:
        match condition:
            case Logic(op=LogicOp.AND, left=left, right=right):
                yield from multiples((left, right))
            case Compare(op=CompareOp.EQ, left=left, right=right):
                for remainder, zero in ((left, right), (right, left)):
                    found = _remainder(remainder)
                    if found is not None and isinstance(zero, Const) and zero.value == 0:
                        yield found
            case _:
                pass


def equal_extents(conditions: Iterable[Expr]) -> dict[tuple[str, int], Dim]:
    """For extents that equal others, one that stands for all of them."""
    groups: list[list[Dim]] = []
    for left, right in _equal(conditions):
        known = [g for g in groups if any(_key(one) in (_key(left), _key(right)) for one in g)]
        groups = [g for g in groups if g not in known]
        groups.append([one for group in known for one in group] + [left, right])
    return {_key(one): group[0] for group in groups for one in group}


def _equal(conditions: Iterable[Expr]) -> Iterator[tuple[Dim, Dim]]:
    for condition in conditions:
        match condition:
            case Logic(op=LogicOp.AND, left=left, right=right):
                yield from _equal((left, right))
            case Compare(op=CompareOp.EQ, left=Dim() as left, right=Dim() as right):
                yield left, right
            case _:
                pass


def _key(extent: Dim) -> tuple[str, int]:
    return extent.array, extent.axis


def _remainder(expr: Expr) -> tuple[Expr, int] | None:
    match expr:
        case Binary(op=BinaryOp.MOD, left=size, right=Const(value=int(divisor))):
            return (size, divisor) if divisor > 1 and divisor & (divisor - 1) == 0 else None
        case _:
            return None


def assume(context: Context, conditions: Iterable[Expr]) -> None:
    """Tell LLVM, at the start of the function."""
    build = context.build
    for size, divisor in multiples(conditions):
        if not isinstance(size, Dim | Param):
            continue
        value = context.value(size)
        rest = build.binary("and", value, str(divisor - 1))
        holds = build.compare("icmp eq", rest, "0")
        build.emit(f"call void @llvm.assume({holds})")


def has_whole_warps(conditions: Iterable[Expr]) -> bool:
    """Whether the width of a block is a multiple of a warp, and so all its threads are."""
    return any(
        isinstance(size, Special)
        and (size.register, size.axis) == (Register.BLOCK_DIM, 0)
        and divisor % WARP == 0
        for size, divisor in multiples(conditions)
    )
