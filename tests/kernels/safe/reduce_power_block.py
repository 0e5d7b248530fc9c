"""A tree over any block whose size is a power of two: it divides one, says the contract."""
# launch: grid=2, block=32, a=50, out=2
# launch: grid=1, block=8, a=3, out=1

from oxide import DisjointSlice, SharedArray, Slice, block, block_dim, f32, grid_dim, kernel, sync_threads, thread


@kernel(
    max_threads=256,
    requires=lambda out: (
        256 % block_dim.x == 0 and block_dim.x <= 256 and len(out) >= grid_dim.x
    ),
)
def block_sum(a: Slice[f32], out: DisjointSlice[f32]):
    tile = SharedArray(f32, 256)
    t, i = thread.x, thread.index_1d()
    tile[t] = a[i] if i < len(a) else 0.0
    sync_threads()
    stride = 1
    while stride < block_dim.x:
        if t % (2 * stride) == 0:
            tile[t] += tile[t + stride]
        sync_threads()
        stride *= 2
    if t == 0:
        out[block.x] = tile[0]
