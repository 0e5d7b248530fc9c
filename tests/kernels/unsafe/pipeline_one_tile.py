"""The pipeline with a single tile and one barrier a round: it is refilled while it is read."""
# launch: grid=1, block=16, a=40, out=16

from oxide import DisjointSlice, SharedArray, Slice, f32, kernel, sync_threads, thread

BLOCK = 16


@kernel(block=BLOCK)
def convolve(a: Slice[f32], out: DisjointSlice[f32]):
    tile = SharedArray(f32, BLOCK)
    t, i = thread.x, thread.index_1d()
    total = 0.0
    for start in range(0, len(a), BLOCK):
        value = a[start + t] if start + t < len(a) else 0.0
        tile[t] = value  # error: [OX104]
        sync_threads()
        for k in range(BLOCK):
            total += tile[(t + k) % BLOCK]
    if i < len(out):
        out[i] = total
