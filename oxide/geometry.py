"""Where a thread is.

`thread.x` is the index within the block, `block.x` the block's within the grid, `block_dim.x`
and `grid_dim.x` their extents; all are `int` (i64), along x, y and z.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

from oxide_codegen.errors import OutsideKernelError

if TYPE_CHECKING:
    from collections.abc import Iterator

T = TypeVar("T")


class Coordinates:
    """Three numbers along x, y and z."""

    def __init__(self, name: str) -> None:
        self._name = name

    @property
    def x(self) -> int:
        """Along x, the axis in which neighbouring threads lie side by side."""
        raise OutsideKernelError(f"{self._name}.x")

    @property
    def y(self) -> int:
        """Along y."""
        raise OutsideKernelError(f"{self._name}.y")

    @property
    def z(self) -> int:
        """Along z."""
        raise OutsideKernelError(f"{self._name}.z")

    def __repr__(self) -> str:
        return f"oxide.{self._name}"


class BlockIndex(Coordinates):
    """The index of this block within the grid, and what the threads of a block compute together.

    All threads of the block come to the same call. The sum of floats has one order, which the
    size of the block decides: within each warp as `warp.reduce_add` does it, then warp by warp.
    """

    def reduce_add(self, value: T, /) -> T:
        """The sum of `value` over the threads of the block, in every thread."""
        raise OutsideKernelError("block.reduce_add")

    def reduce_min(self, value: T, /) -> T:
        """The smallest `value` of the threads of the block, in every thread."""
        raise OutsideKernelError("block.reduce_min")

    def reduce_max(self, value: T, /) -> T:
        """The largest `value` of the threads of the block, in every thread."""
        raise OutsideKernelError("block.reduce_max")

    def reduce_and(self, value: T, /) -> T:
        """The bits that are set in the `value` of all threads, in every thread."""
        raise OutsideKernelError("block.reduce_and")

    def reduce_or(self, value: T, /) -> T:
        """The bits that are set in the `value` of some thread, in every thread."""
        raise OutsideKernelError("block.reduce_or")

    def reduce_xor(self, value: T, /) -> T:
        """The bits that are set in the `value` of an odd number of threads, in every thread."""
        raise OutsideKernelError("block.reduce_xor")

    def scan_add(self, value: T, /, *, exclusive: bool = False) -> T:
        """The sum of `value` over this thread and those below it in the block."""
        raise OutsideKernelError("block.scan_add")

    def scan_min(self, value: T, /, *, exclusive: bool = False) -> T:
        """The smallest `value` of this thread and those below it in the block."""
        raise OutsideKernelError("block.scan_min")

    def scan_max(self, value: T, /, *, exclusive: bool = False) -> T:
        """The largest `value` of this thread and those below it in the block."""
        raise OutsideKernelError("block.scan_max")


class ThreadIndex(Coordinates):
    """The index of this thread within its block, and within the launch."""

    def index_1d(self) -> int:
        """`block.x * block_dim.x + thread.x`: this thread among all along x."""
        raise OutsideKernelError("thread.index_1d")

    def index_2d(self) -> tuple[int, int]:
        """(row, column) of this thread among all; the row comes from y, the column from x."""
        raise OutsideKernelError("thread.index_2d")

    def index_3d(self) -> tuple[int, int, int]:
        """(plane, row, column) of this thread among all: along z, y and x."""
        raise OutsideKernelError("thread.index_3d")


thread = ThreadIndex("thread")
block = BlockIndex("block")
block_dim = Coordinates("block_dim")
grid_dim = Coordinates("grid_dim")


def grid_stride(n: int, /) -> Iterator[int]:
    """Each index below `n` once over the whole launch: `for i in grid_stride(len(a))`."""
    raise OutsideKernelError("grid_stride")
