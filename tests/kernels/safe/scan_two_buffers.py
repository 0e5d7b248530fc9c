"""Hillis-Steele scan between two buffers: read one, write the other, wait, change sides."""
# launch: grid=2, block=32, a=50, out=50
# launch: grid=1, block=32, a=32, out=32

from oxide import DisjointSlice, SharedArray, Slice, f32, kernel, sync_threads, thread

BLOCK = 32


@kernel(block=BLOCK, requires=lambda a, out: len(a) == len(out))
def scan(a: Slice[f32], out: DisjointSlice[f32]):
    tile = SharedArray(f32, (2, BLOCK))
    t, i = thread.x, thread.index_1d()
    side = 0
    tile[0, t] = a[i] if i < len(a) else 0.0
    sync_threads()
    offset = 1
    while offset < BLOCK:
        if t >= offset:
            tile[1 - side, t] = tile[side, t] + tile[side, t - offset]
        else:
            tile[1 - side, t] = tile[side, t]
        sync_threads()
        side = 1 - side
        offset *= 2
    if i < len(out):
        out[i] = tile[side, t]
