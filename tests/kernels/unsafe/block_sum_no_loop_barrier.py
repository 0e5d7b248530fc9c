"""The block sum without the barrier of its rounds: round 64 reads what round 128 writes."""
# launch: grid=1, block=256, a=256, out=1

from oxide import DisjointSlice, SharedArray, Slice, block, f32, grid_dim, kernel, sync_threads, thread

BLOCK = 256


@kernel(block=BLOCK, requires=lambda out: len(out) >= grid_dim.x)
def block_sum(a: Slice[f32], out: DisjointSlice[f32]):
    tile = SharedArray(f32, BLOCK)
    t, i = thread.x, thread.index_1d()
    tile[t] = a[i] if i < len(a) else 0.0
    sync_threads()
    stride = BLOCK // 2
    while stride > 0:
        if t < stride:
            tile[t] += tile[t + stride]  # error: [OX104]
        stride //= 2
    if t == 0:
        out[block.x] = tile[0]
