"""The block sum whose idle threads leave: what they would have stored is read all the same."""
# launch: grid=1, block=256, a=100, out=1

from oxide import DisjointSlice, SharedArray, Slice, block, f32, grid_dim, kernel, sync_threads, thread

BLOCK = 256


@kernel(block=BLOCK, requires=lambda out: len(out) >= grid_dim.x)
def block_sum(a: Slice[f32], out: DisjointSlice[f32]):
    tile = SharedArray(f32, BLOCK)
    t, i = thread.x, thread.index_1d()
    if i >= len(a):
        return  # error: [OX202]
    tile[t] = a[i]
    sync_threads()
    stride = BLOCK // 2
    while stride > 0:
        if t < stride:
            tile[t] += tile[t + stride]  # also: [OX303]
        sync_threads()
        stride //= 2
    if t == 0:
        out[block.x] = tile[0]
