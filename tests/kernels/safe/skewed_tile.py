"""A tile padded by one word for every 32, as scans avoid bank conflicts: `t + t // 32`."""
# launch: grid=2, block=128, a=200, out=256
# launch: grid=1, block=128, a=5, out=7

from oxide import DisjointSlice, SharedArray, Slice, f32, kernel, sync_threads, thread

BLOCK = 128
PADDED = BLOCK + BLOCK // 32


@kernel(block=BLOCK)
def reverse_blocks(a: Slice[f32], out: DisjointSlice[f32]):
    tile = SharedArray(f32, PADDED)
    t, i = thread.x, thread.index_1d()
    at = t + (t >> 5)
    tile[at] = a[i] if i < len(a) else 0.0
    sync_threads()
    mirrored = BLOCK - 1 - t
    if i < len(out):
        out[i] = tile[mirrored + mirrored // 32]
