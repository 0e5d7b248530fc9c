"""`y = alpha * x + y` with a grid-stride loop: any grid covers any length.

The launch is free to choose how many threads share the work. Nothing is declared: that `x` is as
long as `y` is a fact that the checker infers, shows, and has each launch tested for.
"""

from __future__ import annotations

import numpy as np

from oxide import DisjointSlice, Slice, f32, grid_stride, kernel

BLOCK = 128


@kernel
def saxpy(alpha: f32, x: Slice[f32], y: DisjointSlice[f32]):
    """`y = alpha * x + y`, as long as `y`."""
    for i in grid_stride(len(y)):
        y[i] = alpha * x[i] + y[i]


def main() -> None:
    """Run on lengths above and below the number of threads, and compare with numpy."""
    random = np.random.default_rng(2)
    alpha = 2.5
    for n, grid in ((1, 1), (1_000, 3), (1 << 20, 256), (1_000_003, 64)):
        x = random.random(n, dtype=np.float32)
        y = random.random(n, dtype=np.float32)
        expected = np.float32(alpha) * x + y
        saxpy[grid, BLOCK](alpha, x, y)
        error = float(np.abs(y - expected).max())
        print(f"saxpy       {n:>11}  max error {error:.1e}")
        if error > 1e-6:
            raise ArithmeticError(f"saxpy of {n} elements differs from numpy by {error}")


if __name__ == "__main__":
    main()
