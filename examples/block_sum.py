"""One sum per block, by a tree in shared memory.

In each round the first half of the threads that are left adds the second half's values to its
own; a barrier ends the round. The block's size is part of the contract, because the tree halves
it, and so is the length of `out`, because its elements belong to blocks and not to threads.
"""

from __future__ import annotations

import numpy as np

from oxide import (
    DisjointSlice,
    SharedArray,
    Slice,
    block,
    f32,
    grid_dim,
    kernel,
    sync_threads,
    thread,
)

BLOCK = 256


@kernel(block=BLOCK, requires=lambda out: len(out) >= grid_dim.x)
def block_sum(a: Slice[f32], out: DisjointSlice[f32]):
    """`out[b]` is the sum of the elements of `a` that block `b` covers."""
    tile = SharedArray(f32, BLOCK)
    t, i = thread.x, thread.index_1d()
    tile[t] = a[i] if i < len(a) else 0.0
    sync_threads()
    stride = BLOCK // 2
    while stride > 0:
        if t < stride:
            tile[t] += tile[t + stride]
        sync_threads()
        stride //= 2
    if t == 0:
        out[block.x] = tile[0]


def main() -> None:
    """Run on lengths that do and do not fill their last block, and compare with numpy."""
    random = np.random.default_rng(5)
    for n in (1, 256, 1_000, 1_000_003):
        a = random.random(n, dtype=np.float32)
        grid = -(-n // BLOCK)
        out = np.zeros(grid, dtype=np.float32)
        block_sum[grid, BLOCK](a, out)
        padded = np.zeros(grid * BLOCK)
        padded[:n] = a
        error = float(np.abs(out - padded.reshape(grid, BLOCK).sum(axis=1)).max())
        print(f"block_sum   {n:>11}  max error {error:.1e}")
        if error > 1e-3:
            raise ArithmeticError(f"block sums of {n} elements differ from numpy by {error}")


if __name__ == "__main__":
    main()
