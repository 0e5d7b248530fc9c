"""The tree whose result is read by all behind a loop that ends without a barrier."""
# launch: grid=1, block=64, a=100, out=100

from oxide import DisjointSlice, SharedArray, Slice, f32, kernel, sync_threads, thread

BLOCK = 64


@kernel(block=BLOCK, requires=lambda a, out: len(a) == len(out))
def normalise(a: Slice[f32], out: DisjointSlice[f32]):
    tile = SharedArray(f32, BLOCK)
    t, i = thread.x, thread.index_1d()
    tile[t] = a[i] if i < len(a) else 0.0
    stride = BLOCK // 2
    while stride > 0:
        sync_threads()
        if t < stride:
            tile[t] += tile[t + stride]  # error: [OX104]
        stride //= 2
    if i < len(out):
        out[i] = a[i] - tile[0]
