"""A tree with interleaved addressing: the active threads are the multiples of twice the stride."""
# launch: grid=2, block=64, a=100, out=2
# launch: grid=1, block=64, a=1, out=1

from oxide import DisjointSlice, SharedArray, Slice, block, f32, grid_dim, kernel, sync_threads, thread

BLOCK = 64


@kernel(block=BLOCK, requires=lambda out: len(out) >= grid_dim.x)
def block_sum(a: Slice[f32], out: DisjointSlice[f32]):
    tile = SharedArray(f32, BLOCK)
    t, i = thread.x, thread.index_1d()
    tile[t] = a[i] if i < len(a) else 0.0
    sync_threads()
    stride = 1
    while stride < BLOCK:
        if t % (2 * stride) == 0:
            tile[t] += tile[t + stride]
        sync_threads()
        stride *= 2
    if t == 0:
        out[block.x] = tile[0]
