"""A barrier under the guard of the data: in the last block some threads never come to it."""
# launch: grid=1, block=32, a=20, out=20

from oxide import DisjointSlice, SharedArray, Slice, f32, kernel, sync_threads, thread

BLOCK = 32


@kernel(block=BLOCK, requires=lambda a, out: len(a) == len(out))
def previous(a: Slice[f32], out: DisjointSlice[f32]):
    tile = SharedArray(f32, BLOCK)
    t, i = thread.x, thread.index_1d()
    if i < len(a):
        tile[t] = a[i]
        sync_threads()  # error: [OX201]
        out[i] = tile[t - 1] if t > 0 else 0.0
