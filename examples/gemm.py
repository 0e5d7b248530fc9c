"""Matrix product in tiles: `c = a @ b` for matrices of any shape.

A block computes a square of `c`. It walks along the inner dimension tile by tile: all its threads
fetch one element of `a` and one of `b` into shared memory, wait, use the two tiles, and wait again
before they overwrite them. Behind the edges tiles are filled with zeros, so every thread takes
part in every barrier.
"""

from __future__ import annotations

import numpy as np

from oxide import DisjointSlice2D, SharedArray, Slice2D, f32, kernel, sync_threads, thread

TILE = 16


@kernel(
    block=(TILE, TILE),
    requires=lambda a, b, c: (
        a.shape[1] == b.shape[0] and c.shape[0] == a.shape[0] and c.shape[1] == b.shape[1]
    ),
)
def gemm(a: Slice2D[f32], b: Slice2D[f32], c: DisjointSlice2D[f32]):
    """`c = a @ b`."""
    tile_a = SharedArray(f32, (TILE, TILE))
    tile_b = SharedArray(f32, (TILE, TILE))
    row, col = thread.index_2d()
    x, y = thread.x, thread.y
    rows, inner = a.shape
    cols = b.shape[1]

    total = 0.0
    for start in range(0, inner, TILE):
        tile_a[y, x] = a[row, start + x] if row < rows and start + x < inner else 0.0
        tile_b[y, x] = b[start + y, col] if start + y < inner and col < cols else 0.0
        sync_threads()
        for k in range(TILE):
            total += tile_a[y, k] * tile_b[k, x]
        sync_threads()

    if row < rows and col < cols:
        c[row, col] = total


def main() -> None:
    """Run on shapes that do and do not fill their tiles, and compare with numpy."""
    random = np.random.default_rng(7)
    for rows, inner, cols in ((1, 1, 1), (32, 32, 32), (33, 50, 17), (130, 257, 101)):
        a = random.random((rows, inner), dtype=np.float32)
        b = random.random((inner, cols), dtype=np.float32)
        c = np.zeros((rows, cols), dtype=np.float32)
        gemm[(-(-cols // TILE), -(-rows // TILE)), (TILE, TILE)](a, b, c)
        error = float(np.abs(c - a.astype(np.float64) @ b).max())
        print(f"gemm        {rows:>3} {inner:>3} {cols:>3}  max error {error:.1e}")
        if error > 1e-3:
            raise ArithmeticError(
                f"product of {rows} × {inner} and {inner} × {cols} differs from numpy by {error}"
            )


if __name__ == "__main__":
    main()
