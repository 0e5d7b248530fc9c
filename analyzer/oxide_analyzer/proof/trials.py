"""Which small launches to try, in which order: a grid, a block, and a variant of sizes and data.

What breaks a kernel mostly breaks it in the first few launches of a handful of threads. What does
not wants something special, so the list goes on with launches that each have one such thing: a
block that is no multiple of 32, or several warps, or more threads than a number in the kernel; a
second row or plane of threads although the kernel reads x alone; strides longer than the arrays;
data and scalars at the ends of their types. Kernels that use warps start with whole and partial
ones. The variants say how long arrays are, compared with the threads along an axis:

    MORE, EXACT, FEWER   one more, the same, one less; scalars likewise, or small
    SHORT                half as long, with scalars as large as ever
    STRIDES              the same, with scalars beyond all lengths
    EXTREMES             the same, with scalars of -1 and data at the ends of its type
    NATURAL, PARTIAL     the same, one less, with scalars of that size; not tried, but asked for
"""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeAlias

from oxide_analyzer.ir.nodes import Const, Register, Special, WarpOp
from oxide_analyzer.ir.walk import expressions, statements
from oxide_analyzer.record import record

if TYPE_CHECKING:
    from collections.abc import Iterator

    from oxide_analyzer.ir.kernel import Kernel
    from oxide_analyzer.launch import Extent

MORE, EXACT, FEWER, SHORT, STRIDES, EXTREMES, NATURAL, PARTIAL = range(8)


@record
class Trial:
    """One launch to try, before the contract has its say."""

    grid: Extent
    block: Extent
    variant: int


def trials(kernel: Kernel) -> Iterator[Trial]:
    """All there are for a kernel, each of which the contract may drop."""
    contract = kernel.contract.block
    axes = axes_read(kernel)
    domain = kernel.contract.domain or 3
    plane, volume = 1 in axes and domain > 1, 2 in axes and domain > 2
    if contract is not None and all(isinstance(e, Const) for e in contract):
        x, y, z = (int(e.value) for e in contract if isinstance(e, Const))
        yield from _of_one_block((x, y, z), plane=plane, volume=volume)
        return
    if volume:
        plan = _VOLUME
    elif plane:
        plan = _PLANE_OF_WARPS if uses_warps(kernel) else _PLANE
    else:
        plan = _LINE_OF_WARPS if uses_warps(kernel) else _LINE
    for grid, block, variant in plan:
        # A block beyond the numbers of the kernel is worth its time only if there are any.
        if block != _LONG or max(_numbers(kernel), default=0) > 64:
            yield Trial(grid, block, variant)


def uses_warps(kernel: Kernel) -> bool:
    """Whether a kernel has operations of warps, or asks for the lane or warp."""
    asked = Register.LANE, Register.WARP, Register.WARPS
    return any(isinstance(s, WarpOp) for s in statements(kernel.body)) or any(
        isinstance(e, Special) and e.register in asked for e in expressions(kernel.body)
    )


def axes_read(kernel: Kernel) -> frozenset[int]:
    """The axes along which a kernel reads a thread or block index."""
    return frozenset(
        e.axis
        for e in expressions(kernel.body)
        if isinstance(e, Special) and e.register in (Register.THREAD, Register.BLOCK)
    )


def _numbers(kernel: Kernel) -> Iterator[int]:
    for e in expressions(kernel.body):
        if isinstance(e, Const) and e.type.is_integer:
            yield int(e.value)


def _of_one_block(block: Extent, *, plane: bool, volume: bool) -> Iterator[Trial]:
    many, one, row = (2, 1, 1), (1, 1, 1), (3, 1, 1)
    if volume:
        many, row = (2, 2, 2), (1, 1, 2)
    elif plane:
        many, row = (2, 2, 1), (1, 2, 1)
    for variant in (MORE, EXACT, FEWER, SHORT, STRIDES, EXTREMES):
        yield Trial(many, block, variant)
    for grid in (one, row):
        for variant in (EXACT, FEWER, MORE, SHORT):
            yield Trial(grid, block, variant)


_LONG = (600, 1, 1)
_Plan: TypeAlias = "tuple[tuple[Extent, Extent, int], ...]"
_LINE: _Plan = (
    ((2, 1, 1), (4, 1, 1), MORE),
    ((2, 1, 1), (4, 1, 1), EXACT),
    ((2, 1, 1), (4, 1, 1), FEWER),
    ((2, 1, 1), (4, 1, 1), SHORT),
    ((2, 1, 1), (2, 1, 1), EXACT),
    ((2, 1, 1), (33, 1, 1), EXACT),
    ((3, 1, 1), (7, 1, 1), FEWER),
    ((2, 1, 1), (4, 1, 1), STRIDES),
    ((2, 1, 1), (4, 1, 1), EXTREMES),
    ((1, 1, 1), (16, 2, 1), MORE),
    ((2, 1, 1), (16, 1, 2), EXACT),
    ((2, 1, 1), (64, 1, 1), MORE),
    ((1, 1, 1), (33, 1, 1), FEWER),
    ((2, 1, 1), _LONG, EXACT),
    ((2, 1, 1), (7, 1, 1), SHORT),
    ((1, 1, 1), (2, 1, 1), MORE),
    ((3, 1, 1), (2, 1, 1), FEWER),
    ((1, 1, 1), (7, 1, 1), EXTREMES),
    ((3, 1, 1), (4, 1, 1), MORE),
)
_LINE_OF_WARPS: _Plan = (
    ((2, 1, 1), (4, 1, 1), MORE),
    ((2, 1, 1), (33, 1, 1), EXACT),
    ((2, 1, 1), (64, 1, 1), FEWER),
    ((1, 1, 1), (40, 1, 1), SHORT),
    ((2, 1, 1), (32, 1, 1), EXACT),
    ((1, 1, 1), (96, 1, 1), MORE),
    ((1, 1, 1), (16, 2, 1), EXACT),
    ((2, 1, 1), (64, 1, 1), EXTREMES),
    ((2, 1, 1), (32, 1, 1), STRIDES),
    ((1, 1, 1), (33, 2, 1), FEWER),
    ((1, 1, 1), (31, 1, 1), MORE),
    ((3, 1, 1), (64, 1, 1), SHORT),
    ((1, 1, 1), _LONG, EXACT),
    ((1, 1, 1), (16, 1, 3), MORE),
    ((3, 1, 1), (7, 1, 1), EXACT),
    ((2, 1, 1), (2, 1, 1), FEWER),
)
_PLANE: _Plan = (
    ((2, 2, 1), (4, 2, 1), MORE),
    ((2, 2, 1), (4, 2, 1), EXACT),
    ((2, 2, 1), (4, 2, 1), FEWER),
    ((2, 2, 1), (4, 2, 1), SHORT),
    ((2, 2, 1), (2, 4, 1), EXACT),
    ((2, 2, 1), (3, 3, 1), FEWER),
    ((2, 2, 1), (8, 8, 1), MORE),
    ((1, 2, 1), (4, 2, 1), STRIDES),
    ((2, 2, 1), (3, 3, 1), EXTREMES),
    ((2, 1, 1), (33, 2, 1), EXACT),
    ((2, 2, 1), (16, 2, 1), SHORT),
    ((1, 1, 1), (4, 2, 2), MORE),
    ((2, 2, 1), (4, 1, 1), EXACT),
    ((1, 1, 1), (2, 4, 1), MORE),
    ((1, 2, 1), (3, 3, 1), SHORT),
    ((2, 2, 1), (2, 4, 1), FEWER),
)
_PLANE_OF_WARPS: _Plan = (
    ((2, 2, 1), (4, 2, 1), MORE),
    ((2, 1, 1), (33, 2, 1), EXACT),
    ((2, 2, 1), (16, 2, 1), EXACT),
    ((1, 2, 1), (8, 8, 1), FEWER),
    ((2, 1, 1), (16, 3, 1), SHORT),
    ((1, 1, 1), (32, 3, 1), MORE),
    ((2, 2, 1), (32, 1, 1), EXACT),
    ((1, 2, 1), (8, 4, 1), EXTREMES),
    ((2, 1, 1), (16, 2, 1), STRIDES),
    ((1, 1, 1), (5, 7, 1), FEWER),
    ((1, 1, 1), (4, 4, 4), EXACT),
    ((2, 2, 1), (3, 3, 1), SHORT),
)
_VOLUME: _Plan = (
    ((2, 2, 2), (2, 2, 2), MORE),
    ((2, 2, 2), (2, 2, 2), EXACT),
    ((2, 2, 2), (2, 2, 2), FEWER),
    ((2, 2, 2), (2, 2, 2), SHORT),
    ((2, 2, 2), (3, 2, 2), EXACT),
    ((1, 1, 2), (4, 2, 1), FEWER),
    ((2, 1, 1), (4, 4, 4), MORE),
    ((2, 2, 2), (2, 2, 2), STRIDES),
    ((1, 2, 2), (2, 3, 1), EXTREMES),
    ((1, 1, 1), (16, 2, 3), EXACT),
    ((1, 1, 1), (2, 2, 2), MORE),
    ((1, 2, 1), (3, 2, 2), SHORT),
    ((1, 1, 2), (2, 2, 2), FEWER),
)
