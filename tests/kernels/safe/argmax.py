"""A tree over two arrays at once: the largest element and where it stands."""
# launch: grid=2, block=64, a=100, best=2, where=2
# launch: grid=1, block=64, a=1, best=1, where=1

from oxide import (
    DisjointSlice,
    SharedArray,
    Slice,
    block,
    f32,
    grid_dim,
    i64,
    kernel,
    sync_threads,
    thread,
)

BLOCK = 64


@kernel(block=BLOCK, requires=lambda best, where: len(best) >= grid_dim.x and len(where) >= grid_dim.x)
def argmax(a: Slice[f32], best: DisjointSlice[f32], where: DisjointSlice[i64]):
    value = SharedArray(f32, BLOCK)
    place = SharedArray(i64, BLOCK)
    t, i = thread.x, thread.index_1d()
    value[t] = a[i] if i < len(a) else -1.0e30
    place[t] = i
    sync_threads()
    stride = BLOCK // 2
    while stride > 0:
        if t < stride and value[t + stride] > value[t]:
            value[t] = value[t + stride]
            place[t] = place[t + stride]
        sync_threads()
        stride //= 2
    if t == 0:
        best[block.x], where[block.x] = value[0], place[0]
