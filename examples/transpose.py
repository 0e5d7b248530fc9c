"""Transpose through a tile of shared memory, so that reads and writes are both contiguous.

A block of 32 × 8 threads moves a tile of 32 × 32 elements, four rows a thread. The tile has one
column more than it needs: the elements of a column then lie in different memory banks.
"""

from __future__ import annotations

import numpy as np

from oxide import (
    DisjointSlice2D,
    SharedArray,
    Slice2D,
    block,
    f32,
    kernel,
    sync_threads,
    thread,
)

TILE = 32
ROWS = 8


@kernel(
    block=(TILE, ROWS),
    requires=lambda a, out: out.shape[0] == a.shape[1] and out.shape[1] == a.shape[0],
)
def transpose(a: Slice2D[f32], out: DisjointSlice2D[f32]):
    """`out[j, i] = a[i, j]`."""
    tile = SharedArray(f32, (TILE, TILE + 1))
    x, y = thread.x, thread.y

    col = block.x * TILE + x
    for r in range(y, TILE, ROWS):
        row = block.y * TILE + r
        tile[r, x] = a[row, col] if row < a.shape[0] and col < a.shape[1] else 0.0
    sync_threads()

    col = block.y * TILE + x
    for r in range(y, TILE, ROWS):
        row = block.x * TILE + r
        if row < out.shape[0] and col < out.shape[1]:
            out[row, col] = tile[x, r]


def main() -> None:
    """Run on shapes that do and do not fill their last tiles, and compare with numpy."""
    random = np.random.default_rng(4)
    for rows, cols in ((1, 1), (32, 32), (100, 33), (511, 1_025)):
        a = random.random((rows, cols), dtype=np.float32)
        out = np.zeros((cols, rows), dtype=np.float32)
        transpose[(-(-cols // TILE), -(-rows // TILE)), (TILE, ROWS)](a, out)
        error = float(np.abs(out - a.T).max())
        print(f"transpose   {rows:>5} {cols:>5}  max error {error:.1e}")
        if error != 0.0:
            raise ArithmeticError(f"transpose of {rows} × {cols} differs from numpy by {error}")


if __name__ == "__main__":
    main()
