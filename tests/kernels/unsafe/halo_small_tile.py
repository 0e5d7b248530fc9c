"""The stencil whose tile has room for one halo: the right one leaves it."""
# launch: grid=1, block=32, a=50, out=50

from oxide import DisjointSlice, SharedArray, Slice, f32, kernel, sync_threads, thread

BLOCK = 32
RADIUS = 3


@kernel(block=BLOCK, requires=lambda a, out: len(a) == len(out))
def smooth(a: Slice[f32], out: DisjointSlice[f32]):
    tile = SharedArray(f32, BLOCK + RADIUS)
    t, i = thread.x, thread.index_1d()
    tile[t + RADIUS] = a[i] if i < len(a) else 0.0
    if t < RADIUS:
        left = i - RADIUS
        tile[t] = a[left] if 0 <= left < len(a) else 0.0
    sync_threads()
    if i < len(out):
        out[i] = tile[t] + tile[t + 2 * RADIUS]  # error: [OX301]
