"""The interleaved tree over blocks of any size: a multiple of the stride may be the last thread."""
# launch: grid=1, block=6, a=6, out=1

from oxide import DisjointSlice, SharedArray, Slice, block, block_dim, f32, grid_dim, kernel, sync_threads, thread


@kernel(max_threads=256, requires=lambda out: block_dim.x <= 256 and len(out) >= grid_dim.x)
def block_sum(a: Slice[f32], out: DisjointSlice[f32]):
    tile = SharedArray(f32, 256)
    t, i = thread.x, thread.index_1d()
    tile[t] = a[i] if i < len(a) else 0.0
    sync_threads()
    stride = 1
    while stride < block_dim.x:
        if t % (2 * stride) == 0:
            tile[t] += tile[t + stride]  # error: [OX303] # also: [OX301]
        sync_threads()
        stride *= 2
    if t == 0:
        out[block.x] = tile[0]
