"""The block sum without its contract: nothing says that `out` has an element for each block."""
# launch: grid=3, block=256, a=700, out=2

from oxide import DisjointSlice, SharedArray, Slice, block, f32, kernel, sync_threads, thread

BLOCK = 256


@kernel(block=BLOCK)
def block_sum(a: Slice[f32], out: DisjointSlice[f32]):
    tile = SharedArray(f32, BLOCK)
    t, i = thread.x, thread.index_1d()
    tile[t] = a[i] if i < len(a) else 0.0
    sync_threads()
    stride = BLOCK // 2
    while stride > 0:
        if t < stride:
            tile[t] += tile[t + stride]
        sync_threads()
        stride //= 2
    if t == 0:
        out[block.x] = tile[0]  # error: [OX301]
