"""Two tiles in turn need one barrier a round: one is filled while the other is still read."""
# launch: grid=1, block=16, a=70, out=16
# launch: grid=2, block=16, a=5, out=32

from oxide import DisjointSlice, SharedArray, Slice, f32, kernel, sync_threads, thread

BLOCK = 16


@kernel(block=BLOCK)
def convolve(a: Slice[f32], out: DisjointSlice[f32]):
    tile = SharedArray(f32, (2, BLOCK))
    t, i = thread.x, thread.index_1d()
    total = 0.0
    for start in range(0, len(a), BLOCK):
        side = start // BLOCK % 2
        tile[side, t] = a[start + t] if start + t < len(a) else 0.0
        sync_threads()
        for k in range(BLOCK):
            total += tile[side, (t + k) % BLOCK] * f32(k)
    if i < len(out):
        out[i] = total
