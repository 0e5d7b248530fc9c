"""A tree over a block of any size: no power of two is needed for it to be free of races."""
# launch: grid=2, block=48, a=90, out=2
# launch: grid=1, block=64, a=10, out=1

from oxide import (
    DisjointSlice,
    SharedArray,
    Slice,
    block,
    block_dim,
    f32,
    grid_dim,
    kernel,
    sync_threads,
    thread,
)


@kernel(requires=lambda out: len(out) >= grid_dim.x)
def block_max(a: Slice[f32], out: DisjointSlice[f32]):
    tile = SharedArray(f32, 1024)
    t, i = thread.x, thread.index_1d()
    tile[t] = a[i] if i < len(a) else 0.0
    sync_threads()
    left = block_dim.x
    while left > 1:
        half = (left + 1) // 2
        if t + half < left:
            tile[t] = max(tile[t], tile[t + half])
        sync_threads()
        left = half
    if t == 0:
        out[block.x] = tile[0]
