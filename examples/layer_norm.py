"""Layer normalisation: one block a row, mean and variance by `block.reduce_add`.

All threads of the block bring a partial sum, and all get the whole one: the scratch memory and the
barriers are the compiler's, and proved like any others. So is that every thread comes: rows are
given out by blocks, and a block without a row leaves as a whole.
"""

from __future__ import annotations

import math

import numpy as np

from oxide import DisjointSlice2D, Slice, Slice2D, block, block_dim, f32, kernel, thread

BLOCK = 256


@kernel(
    domain=1,
    requires=lambda x, weight, bias, y: (
        y.shape[0] == x.shape[0]
        and y.shape[1] == x.shape[1]
        and len(weight) == x.shape[1]
        and len(bias) == x.shape[1]
        and x.shape[1] >= 1
    ),
)
def layer_norm(
    x: Slice2D[f32], weight: Slice[f32], bias: Slice[f32], y: DisjointSlice2D[f32], epsilon: f32
):
    """`y[i] = (x[i] - mean(x[i])) / sqrt(var(x[i]) + epsilon) * weight + bias`."""
    row = block.x
    rows, cols = x.shape
    if row >= rows:
        return
    total = 0.0
    for j in range(thread.x, cols, block_dim.x):
        total += x[row, j]
    mean = block.reduce_add(total) / f32(cols)

    squares = 0.0
    for j in range(thread.x, cols, block_dim.x):
        squares += (x[row, j] - mean) * (x[row, j] - mean)
    scale = 1.0 / math.sqrt(block.reduce_add(squares) / f32(cols) + epsilon)

    for j in range(thread.x, cols, block_dim.x):
        y[row, j] = (x[row, j] - mean) * scale * weight[j] + bias[j]


def main() -> None:
    """Run on rows shorter and longer than a block, and compare with numpy."""
    random = np.random.default_rng(8)
    for shape in ((3, 7), (64, 256), (100, 1000)):
        x = random.standard_normal(shape, dtype=np.float32)
        weight, bias = random.random((2, shape[1]), dtype=np.float32)
        y = np.empty_like(x)
        layer_norm[shape[0], BLOCK](x, weight, bias, y, 1e-5)
        wide = x.astype(np.float64)
        spread = np.sqrt(wide.var(axis=1, keepdims=True) + 1e-5)
        expected = (wide - wide.mean(axis=1, keepdims=True)) / spread * weight + bias
        error = float(np.abs(y - expected).max())
        print(f"layer_norm  {shape[0]:>4} x {shape[1]:<5} max error {error:.1e}")
        if error > 1e-4:
            raise ArithmeticError(f"layer norm of {shape} differs from numpy by {error}")


if __name__ == "__main__":
    main()
