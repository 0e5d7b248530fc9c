"""One block per row: threads share the columns, one of them writes the result."""
# launch: grid=3, block=32, a=(2, 40), x=40, y=2
# launch: grid=1, block=32, a=(1, 3), x=3, y=1

from oxide import (
    DisjointSlice,
    SharedArray,
    Slice,
    Slice2D,
    block,
    block_dim,
    f32,
    kernel,
    sync_threads,
    thread,
)

BLOCK = 32


@kernel(block=BLOCK, requires=lambda a, x, y: len(y) == a.shape[0] and len(x) == a.shape[1])
def matvec(a: Slice2D[f32], x: Slice[f32], y: DisjointSlice[f32]):
    part = SharedArray(f32, BLOCK)
    t, row = thread.x, block.x
    total = 0.0
    if row < len(y):
        for k in range(t, len(x), block_dim.x):
            total += a[row, k] * x[k]
    part[t] = total
    sync_threads()
    stride = block_dim.x // 2
    while stride > 0:
        if t < stride:
            part[t] += part[t + stride]
        sync_threads()
        stride >>= 1
    if t == 0 and row < len(y):
        y[row] = part[0]
