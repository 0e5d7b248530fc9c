"""All-reduce by butterfly exchange: after each round every thread has the sum over one more digit."""
# launch: grid=2, block=32, a=50, out=64
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
        other = tile[t ^ mask]
        sync_threads()
        tile[t] += other
        sync_threads()
        mask <<= 1
    if i < len(out):
        out[i] = own - tile[t] / f32(BLOCK)
