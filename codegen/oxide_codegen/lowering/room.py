"""How much memory a block takes on the host, and where its shared arrays lie in it.

A block whose threads wait for one another has, behind what its scheduler keeps of each thread,
its shared arrays and the frames of the threads:

    states i32   masks i32   present i32   handles ptr   brought i64   seen i64   shared   frames
"""

from __future__ import annotations

from math import prod
from typing import TYPE_CHECKING

from oxide_analyzer.ir.nodes import Const, Space
from oxide_analyzer.language.types import I64

if TYPE_CHECKING:
    from collections.abc import Mapping

    from oxide_analyzer.ir.kernel import Kernel
    from oxide_analyzer.ir.nodes import Array, Expr

ALIGNMENT = 64

# Where each array of a block starts, in units: the number of threads rounded up to 64.
STATES, MASKS, PRESENT, HANDLES, BROUGHT, SEEN, SHARED = 0, 4, 8, 12, 20, 28, 36
UNIT = 64

# So many blocks have begun at once where blocks wait for one another: as many as an H100 has
# multiprocessors.
RESIDENT = 132


def shared_offsets(kernel: Kernel) -> tuple[Mapping[str, int], int]:
    """Byte offsets of the shared arrays in the arena, and what they take together.

    A dynamic one lies behind the others, and takes what the launch asks for.
    """
    offsets: dict[str, int] = {}
    size = 0
    arrays = [a for a in kernel.arrays.values() if a.space is Space.SHARED]
    for array in sorted(arrays, key=lambda array: array.is_dynamic):
        offsets[array.name] = size
        size += rounded(byte_size(array))
    return offsets, size


def byte_size(array: Array) -> int:
    """Bytes of a shared or local array; of dynamic shared memory, for which the launch asks, 0."""
    return 0 if array.is_dynamic else prod(extents(array)) * array.element.size


def extents(array: Array) -> tuple[int, ...]:
    """The shape of a shared or local array, of which every extent is a constant."""
    return tuple(_literal(extent) for extent in array.shape)


def rounded(size: int) -> int:
    """`size` up to the next multiple of the alignment."""
    return -(-size // ALIGNMENT) * ALIGNMENT


def block_size(threads: int, frame: int, shared: int) -> int:
    """Bytes of the memory of a block whose threads wait for one another."""
    unit = -(-threads // UNIT) * UNIT
    return SHARED * unit + rounded(shared) + threads * rounded(frame)


def _literal(extent: Expr) -> int:
    if isinstance(extent, Const) and extent.type == I64:
        return int(extent.value)
    raise ValueError(f"{extent.span}: the extent of an array in a kernel is not a number yet")
