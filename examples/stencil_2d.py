"""One step of heat flow: the mean of the four neighbours, in two dimensions.

Inside, every thread reads its neighbours; at the border it copies. What is read and what is
written are different arrays, so no thread sees what another one writes.
"""

from __future__ import annotations

import numpy as np

from oxide import DisjointSlice2D, Slice2D, f32, kernel, thread

BLOCK_X, BLOCK_Y = 32, 8


@kernel(
    domain=2,
    requires=lambda a, out: out.shape[0] == a.shape[0] and out.shape[1] == a.shape[1],
)
def stencil_2d(a: Slice2D[f32], out: DisjointSlice2D[f32]):
    """`out[i, j]` is the mean of the neighbours of `a[i, j]`; the border stays as it is."""
    row, col = thread.index_2d()
    rows, cols = a.shape
    if 0 < row < rows - 1 and 0 < col < cols - 1:
        up_and_down = a[row - 1, col] + a[row + 1, col]
        left_and_right = a[row, col - 1] + a[row, col + 1]
        out[row, col] = 0.25 * (up_and_down + left_and_right)
    elif row < rows and col < cols:
        out[row, col] = a[row, col]


def main() -> None:
    """Run on shapes that do and do not fill their last blocks, and compare with numpy."""
    random = np.random.default_rng(3)
    for rows, cols in ((1, 1), (2, 300), (64, 64), (513, 1_021)):
        a = random.random((rows, cols), dtype=np.float32)
        out = np.zeros_like(a)
        grid = (-(-cols // BLOCK_X), -(-rows // BLOCK_Y))
        stencil_2d[grid, (BLOCK_X, BLOCK_Y)](a, out)
        expected = a.copy()
        up_and_down = a[:-2, 1:-1] + a[2:, 1:-1]
        left_and_right = a[1:-1, :-2] + a[1:-1, 2:]
        expected[1:-1, 1:-1] = np.float32(0.25) * (up_and_down + left_and_right)
        error = float(np.abs(out - expected).max())
        print(f"stencil_2d  {rows:>5} {cols:>5}  max error {error:.1e}")
        if error > 1e-6:
            raise ArithmeticError(f"stencil of {rows} × {cols} differs from numpy by {error}")


if __name__ == "__main__":
    main()
