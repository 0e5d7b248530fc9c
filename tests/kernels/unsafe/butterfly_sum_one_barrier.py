"""A butterfly that adds at once: the partner may read the sum of this round."""
# launch: grid=1, block=32, a=32, out=20

from oxide import DisjointSlice, SharedArray, Slice, f32, kernel, sync_threads, thread

BLOCK = 32


@kernel(block=BLOCK)
def subtract_block_mean(a: Slice[f32], out: DisjointSlice[f32]):
    tile = SharedArray(f32, BLOCK)
    t, i = thread.x, thread.index_1d()
    own = a[i] if i < len(a) else 0.0
    tile[t] = own
    sync_threads()
    mask = 1
    while mask < BLOCK:
        tile[t] += tile[t ^ mask]  # error: [OX104]
        sync_threads()
        mask <<= 1
    if i < len(out):
        out[i] = own - tile[t] / f32(BLOCK)
