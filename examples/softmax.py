"""Softmax of each row: one block a row, two reductions through shared memory.

The threads of a block walk along the row together, so any number of columns will do. The row's
largest element is found first and subtracted, which keeps the exponentials finite. Blocks behind
the last row leave at once, all their threads together, so no barrier waits for them.
"""

from __future__ import annotations

import math

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

BLOCK = 256


@kernel(
    block=BLOCK,
    requires=lambda x, y: y.shape[0] == x.shape[0] and y.shape[1] == x.shape[1] and x.shape[1] >= 1,
)
def softmax(x: Slice2D[f32], y: DisjointSlice2D[f32]):
    """`y[i, j] = exp(x[i, j]) / sum(exp(x[i, :]))`."""
    part = SharedArray(f32, BLOCK)
    t, row = thread.x, block.x
    rows, cols = x.shape
    if row >= rows:
        return

    top = x[row, 0]
    for j in range(t, cols, BLOCK):
        top = max(top, x[row, j])
    part[t] = top
    sync_threads()
    stride = BLOCK // 2
    while stride > 0:
        if t < stride:
            part[t] = max(part[t], part[t + stride])
        sync_threads()
        stride //= 2
    top = part[0]
    sync_threads()

    total = 0.0
    for j in range(t, cols, BLOCK):
        total += math.exp(x[row, j] - top)
    part[t] = total
    sync_threads()
    stride = BLOCK // 2
    while stride > 0:
        if t < stride:
            part[t] += part[t + stride]
        sync_threads()
        stride //= 2

    scale = 1.0 / part[0]
    for j in range(t, cols, BLOCK):
        y[row, j] = math.exp(x[row, j] - top) * scale


def main() -> None:
    """Run on rows longer and shorter than a block, and compare with numpy."""
    random = np.random.default_rng(6)
    for rows, cols in ((1, 1), (3, 100), (64, 256), (100, 1_003)):
        x = 10 * random.random((rows, cols), dtype=np.float32)
        y = np.zeros_like(x)
        softmax[rows, BLOCK](x, y)
        weights = np.exp(x.astype(np.float64) - x.max(axis=1, keepdims=True))
        expected = weights / weights.sum(axis=1, keepdims=True)
        error = float(np.abs(y - expected).max())
        print(f"softmax     {rows:>5} {cols:>5}  max error {error:.1e}")
        if error > 1e-6:
            raise ArithmeticError(f"softmax of {rows} × {cols} differs from numpy by {error}")


if __name__ == "__main__":
    main()
