"""A dot product: a grid-stride loop, then a tree whose rounds are a `for` over bits."""
# launch: grid=2, block=128, a=300, b=300, out=2
# launch: grid=1, block=128, a=5, b=5, out=1

from oxide import (
    DisjointSlice,
    SharedArray,
    Slice,
    block,
    f32,
    grid_dim,
    grid_stride,
    kernel,
    sync_threads,
    thread,
)

BLOCK = 128
ROUNDS = 7


@kernel(block=BLOCK, requires=lambda a, b, out: len(b) >= len(a) and len(out) >= grid_dim.x)
def dot(a: Slice[f32], b: Slice[f32], out: DisjointSlice[f32]):
    part = SharedArray(f32, BLOCK)
    t = thread.x
    total = 0.0
    for i in grid_stride(len(a)):
        total += a[i] * b[i]
    part[t] = total
    for r in range(ROUNDS):
        sync_threads()
        stride = BLOCK >> (r + 1)
        if t < stride:
            part[t] += part[t + stride]
    if t == 0:
        out[block.x] = part[0]
