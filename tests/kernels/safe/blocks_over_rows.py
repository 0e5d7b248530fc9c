"""Blocks share the rows in a grid-stride loop with barriers: all threads of a block go together."""
# launch: grid=2, block=32, a=(5, 40), out=5
# launch: grid=3, block=32, a=(2, 5), out=2

from oxide import (
    DisjointSlice,
    SharedArray,
    Slice2D,
    block,
    f32,
    grid_dim,
    kernel,
    sync_threads,
    thread,
)

BLOCK = 32


@kernel(block=BLOCK, requires=lambda a, out: len(out) == a.shape[0])
def row_sums(a: Slice2D[f32], out: DisjointSlice[f32]):
    part = SharedArray(f32, BLOCK)
    t = thread.x
    for row in range(block.x, a.shape[0], grid_dim.x):
        total = 0.0
        for col in range(t, a.shape[1], BLOCK):
            total += a[row, col]
        part[t] = total
        sync_threads()
        stride = BLOCK // 2
        while stride > 0:
            if t < stride:
                part[t] += part[t + stride]
            sync_threads()
            stride //= 2
        if t == 0:
            out[row] = part[0]
