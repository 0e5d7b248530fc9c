"""Threads leave where their data says so, and others read what they did not store."""
# launch: grid=1, block=32, a=[1, -1, 1, 1], out=4

from oxide import DisjointSlice, SharedArray, Slice, i32, kernel, sync_threads, thread

BLOCK = 32


@kernel(block=BLOCK, requires=lambda a, out: len(a) == len(out))
def previous(a: Slice[i32], out: DisjointSlice[i32]):
    tile = SharedArray(i32, BLOCK)
    t, i = thread.x, thread.index_1d()
    if i >= len(a):
        return
    if a[i] < 0:
        return  # error: [OX202]
    tile[t] = a[i]
    sync_threads()
    out[i] = tile[t - 1] if t > 0 else 0  # also: [OX303]
