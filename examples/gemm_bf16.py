"""Matrix product of bf16 on matrix units: `c = a @ b`, summed in f32.

A block computes 128 × 128 of `c`, each of its four warps 64 × 64. It walks along the inner
dimension by 64: while the warps multiply one pair of tiles, the next pair is copied to the other
half of shared memory. The wait for a pair and the one barrier behind it say both that it is there
and that nobody reads the half that is overwritten next.

The rows of the tiles are 16 bytes longer than they need be, so that the eight rows that a matrix
unit asks for at once lie in different banks.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

import oxide
from oxide import (
    DisjointSlice2D,
    SharedArray,
    Slice2D,
    async_commit,
    async_copy,
    async_wait,
    bf16,
    block,
    f32,
    kernel,
    mma,
    sync_threads,
    thread,
    warp,
)

if TYPE_CHECKING:
    from numpy.typing import NDArray

TILE, DEPTH = 128, 64
THREADS = 128


@kernel(
    block=THREADS,
    requires=lambda a, b, c: (
        a.shape[1] == b.shape[0]
        and c.shape[0] == a.shape[0]
        and c.shape[1] == b.shape[1]
        and a.shape[0] % TILE == 0
        and b.shape[1] % TILE == 0
        and a.shape[1] % DEPTH == 0
        and a.shape[1] >= DEPTH
    ),
)
def gemm_bf16(a: Slice2D[bf16], b: Slice2D[bf16], c: DisjointSlice2D[f32]):
    """`c = a @ b`."""
    tiles_a = SharedArray(bf16, (2, TILE, DEPTH + 8))
    tiles_b = SharedArray(bf16, (2, DEPTH, TILE + 8))
    row, col = block.y * TILE, block.x * TILE
    # Each thread copies eight elements at a time: of `a` 16 rows at once, of `b` 8.
    row_a, col_a = thread.x // 8, thread.x % 8 * 8
    row_b, col_b = thread.x // 16, thread.x % 16 * 8
    down, right = warp.index // 2 * 64, warp.index % 2 * 64

    if row < c.shape[0] and col < c.shape[1]:
        left = mma.FragmentA(bf16, 64)
        above = mma.FragmentB(bf16, 64)
        total = mma.Accumulator(64, 64)
        for j in range(8):
            async_copy(tiles_a, (0, 16 * j + row_a, col_a), a, (row + 16 * j + row_a, col_a), 8)
            async_copy(tiles_b, (0, 8 * j + row_b, col_b), b, (8 * j + row_b, col + col_b), 8)
        async_commit()
        for k in range(a.shape[1] // DEPTH):
            side = k % 2
            async_wait()
            sync_threads()
            if (k + 1) * DEPTH < a.shape[1]:
                inner = (k + 1) * DEPTH
                for j in range(8):
                    r = 16 * j + row_a
                    async_copy(tiles_a, (1 - side, r, col_a), a, (row + r, inner + col_a), 8)
                    r = 8 * j + row_b
                    async_copy(tiles_b, (1 - side, r, col_b), b, (inner + r, col + col_b), 8)
                async_commit()
            for depth in range(0, DEPTH, 16):
                mma.load(left, tiles_a[side], down, depth)
                mma.load(above, tiles_b[side], depth, right)
                mma.multiply_add(total, left, above)
        mma.store(c, row + down, col + right, total)


@kernel(requires=lambda x, y: x.shape[0] == y.shape[0] and x.shape[1] == y.shape[1])
def rounded(x: Slice2D[f32], y: DisjointSlice2D[bf16]):
    """`y` is `x` in bf16, which NumPy does not have."""
    row, col = thread.index_2d()
    if row < x.shape[0] and col < x.shape[1]:
        y[row, col] = bf16(x[row, col])


def as_bf16(values: NDArray[np.float32]) -> oxide.DeviceBuffer[bf16]:
    """A matrix on the current device."""
    rows, cols = values.shape
    buffer = oxide.zeros((rows, cols), bf16)
    rounded[(-(-cols // 32), -(-rows // 8)), (32, 8)](oxide.asarray(values), buffer)
    return buffer


def main() -> None:
    """Compare with NumPy: eighths and their products are exact in bf16 and in f32."""
    random = np.random.default_rng(7)
    for rows, inner, cols in ((128, 64, 128), (128, 192, 256)):
        a = (random.integers(-8, 9, (rows, inner)) / 8).astype(np.float32)
        b = (random.integers(-8, 9, (inner, cols)) / 8).astype(np.float32)
        c = oxide.zeros((rows, cols), f32)
        gemm_bf16[(cols // TILE, rows // TILE), THREADS](as_bf16(a), as_bf16(b), c)
        error = float(np.abs(c.numpy() - a @ b).max())
        print(f"gemm_bf16   {rows:>3} {inner:>3} {cols:>3}  max error {error:.1e}")
        if error > 0:
            raise ArithmeticError(f"the product differs from NumPy's by {error}")


if __name__ == "__main__":
    main()
