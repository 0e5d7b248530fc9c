"""The skew needs room: the last word lies beyond a tile of one word for each thread."""
# launch: grid=1, block=128, a=128, out=128

from oxide import DisjointSlice, SharedArray, Slice, f32, kernel, sync_threads, thread

BLOCK = 128


@kernel(block=BLOCK)
def reverse_blocks(a: Slice[f32], out: DisjointSlice[f32]):
    tile = SharedArray(f32, BLOCK)
    t, i = thread.x, thread.index_1d()
    at = t + (t >> 5)
    tile[at] = a[i] if i < len(a) else 0.0  # error: [OX301]
    sync_threads()
    mirrored = BLOCK - 1 - t
    if i < len(out):
        out[i] = tile[mirrored + mirrored // 32]  # also: [OX301]
