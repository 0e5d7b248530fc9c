"""Blelloch scan: up the tree, then down, with products of stride and thread as indices."""
# launch: grid=2, block=32, a=50, out=50
# launch: grid=1, block=32, a=32, out=32

from oxide import DisjointSlice, SharedArray, Slice, f32, kernel, sync_threads, thread

BLOCK = 32


@kernel(block=BLOCK, requires=lambda a, out: len(a) == len(out))
def exclusive_scan(a: Slice[f32], out: DisjointSlice[f32]):
    tile = SharedArray(f32, BLOCK)
    t, i = thread.x, thread.index_1d()
    tile[t] = a[i] if i < len(a) else 0.0
    stride = 1
    while stride < BLOCK:
        sync_threads()
        at = (t + 1) * stride * 2 - 1
        if at < BLOCK:
            tile[at] += tile[at - stride]
        stride *= 2
    sync_threads()
    if t == 0:
        tile[BLOCK - 1] = 0.0
    stride = BLOCK // 2
    while stride > 0:
        sync_threads()
        at = (t + 1) * stride * 2 - 1
        if at < BLOCK:
            left = tile[at - stride]
            tile[at - stride] = tile[at]
            tile[at] += left
        stride //= 2
    sync_threads()
    if i < len(out):
        out[i] = tile[t]
