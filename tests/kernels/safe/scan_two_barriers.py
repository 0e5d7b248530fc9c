"""Hillis-Steele scan in one buffer: all have read before anyone writes."""
# launch: grid=2, block=32, a=50, out=50
# launch: grid=1, block=32, a=32, out=32

from oxide import DisjointSlice, SharedArray, Slice, f32, kernel, sync_threads, thread

BLOCK = 32


@kernel(block=BLOCK, requires=lambda a, out: len(a) == len(out))
def scan(a: Slice[f32], out: DisjointSlice[f32]):
    tile = SharedArray(f32, BLOCK)
    t, i = thread.x, thread.index_1d()
    tile[t] = a[i] if i < len(a) else 0.0
    sync_threads()
    offset = 1
    while offset < BLOCK:
        before = tile[t - offset] if t >= offset else 0.0
        sync_threads()
        tile[t] += before
        sync_threads()
        offset *= 2
    if i < len(out):
        out[i] = tile[t]
