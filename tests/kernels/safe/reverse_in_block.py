"""Through shared memory: written at `t`, read at its mirror image, a barrier between."""
# launch: grid=2, block=64, a=100, out=100
# launch: grid=1, block=64, a=64, out=64

from oxide import DisjointSlice, SharedArray, Slice, f32, kernel, sync_threads, thread

BLOCK = 64


@kernel(block=BLOCK)
def reverse(a: Slice[f32], out: DisjointSlice[f32]):
    tile = SharedArray(f32, BLOCK)
    t, i = thread.x, thread.index_1d()
    tile[t] = a[i] if i < len(a) else 0.0
    sync_threads()
    if i < len(out):
        out[i] = tile[BLOCK - 1 - t]
