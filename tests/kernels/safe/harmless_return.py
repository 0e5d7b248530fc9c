"""Threads without work leave before a barrier, and nobody reads what they would have stored."""
# launch: grid=2, block=32, a=50, out=50
# launch: grid=1, block=32, a=3, out=3

from oxide import DisjointSlice, SharedArray, Slice, f32, kernel, sync_threads, thread

BLOCK = 32


@kernel(block=BLOCK, requires=lambda a, out: len(a) == len(out))
def previous(a: Slice[f32], out: DisjointSlice[f32]):
    tile = SharedArray(f32, BLOCK)
    t, i = thread.x, thread.index_1d()
    if i >= len(a):
        return
    tile[t] = a[i]
    sync_threads()
    out[i] = tile[t - 1] if t > 0 else 0.0
