"""Where a thread is.

`thread.x` is the index within the block, `block.x` the block's within the grid, `block_dim.x`
and `grid_dim.x` their extents; all are `int` (i64), along x, y and z.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from oxide_codegen.errors import OutsideKernelError

if TYPE_CHECKING:
    from collections.abc import Iterator


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
block = Coordinates("block")
block_dim = Coordinates("block_dim")
grid_dim = Coordinates("grid_dim")


def grid_stride(n: int, /) -> Iterator[int]:
    """Each index below `n` once over the whole launch: `for i in grid_stride(len(a))`."""
    raise OutsideKernelError("grid_stride")
