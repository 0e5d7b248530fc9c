"""The forms of a kernel's code, and which of them a launch gets.

A proof speaks of all launches; nearly all launches are *ordinary*: every array has fewer than 2**30
elements and starts at a multiple of 16 bytes, integer scalars and the grid are as small. For those
there is code of its own, in which indices have 32 bits and neighbouring accesses can be one; what
is not ordinary runs the code for everything. Large launches of some kernels have a form with
several elements per thread: `lowering.coarsening`.

    k[grid, block](a)         1 Mi elements      ordinary: i32 indices, `align 16`
                              3 Gi elements      not: i64 indices
    k[grid, block](a[1:])     of a foreign array, 4 bytes off      not

The limit is half of what 32 bits hold, so that the sum of two sizes fits as well: `start + x < n`
is a comparison of 32 bits. The test costs a repeated launch nothing: a buffer knows at its making
whether it is ordinary, a launch what its grid is.
"""

from __future__ import annotations

from math import prod
from typing import TYPE_CHECKING

from oxide_analyzer.ir.kernel import ScalarParameter
from oxide_analyzer.ir.nodes import Compare, CompareOp, Const, Dim, Param
from oxide_analyzer.record import record

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from oxide_analyzer.ir.kernel import Kernel
    from oxide_analyzer.ir.nodes import Expr
    from oxide_analyzer.launch import Extent, Number

# Sizes of ordinary launches are below it: elements of an array, scalars, grid times block.
SIZES = 1 << 30
ALIGNMENT = 16


@record
class Form:
    """What a form of the code is for: ordinary launches only, large launches."""

    ordinary: bool = False
    coarse: bool = False


# Code that every launch may run.
EVERY = Form()


def is_ordinary_array(address: int, shape: Sequence[int]) -> bool:
    """Whether an array may be an argument of an ordinary launch."""
    # An extent may be large where another one is 0.
    return (
        address % ALIGNMENT == 0 and prod(shape) < SIZES and all(extent < SIZES for extent in shape)
    )


def is_ordinary(
    kernel: Kernel,
    scalars: Mapping[str, Number],
    arrays: Iterable[tuple[int, Sequence[int]]],
    grid: Extent,
    block: Extent,
) -> bool:
    """Whether a launch is ordinary; arrays are given by their addresses and shapes."""
    return (
        is_ordinary_grid(grid, block)
        and all(is_ordinary_array(address, shape) for address, shape in arrays)
        and all(
            -SIZES < scalars[parameter.name] < SIZES
            for parameter in kernel.parameters
            if isinstance(parameter, ScalarParameter) and parameter.type.is_integer
        )
    )


def is_ordinary_grid(grid: Extent, block: Extent) -> bool:
    """Whether grid times block is that small along each axis."""
    return all(blocks * threads < SIZES for blocks, threads in zip(grid, block, strict=True))


def ordinary_conditions(kernel: Kernel) -> Iterator[Expr]:
    """What holds of every ordinary launch, as conditions that `ranges` takes in.

    That grid times block is small they do not say: `ranges` knows as much by `compact`.
    """
    for parameter in kernel.parameters:
        if isinstance(parameter, ScalarParameter):
            type_ = parameter.type
            if type_.is_integer and type_.max > SIZES:
                scalar = Param(parameter.name, type_, kernel.span)
                yield _compared(scalar, CompareOp.LT, SIZES)
                if type_.is_signed:
                    yield _compared(scalar, CompareOp.GT, -SIZES)
            continue
        for axis in range(kernel.arrays[parameter.name].held_rank):
            yield _compared(Dim(parameter.name, axis, kernel.span), CompareOp.LT, SIZES)


def _compared(size: Expr, op: CompareOp, limit: int) -> Expr:
    return Compare(op, size, Const(limit, size.type, size.span), size.span)
