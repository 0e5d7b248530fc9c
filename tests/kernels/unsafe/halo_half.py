"""The stencil that fetches the left halo only: the right one is read undefined."""
# launch: grid=1, block=32, a=50, out=50

from oxide import DisjointSlice, SharedArray, Slice, f32, kernel, sync_threads, thread

BLOCK = 32
RADIUS = 3


@kernel(block=BLOCK, requires=lambda a, out: len(a) == len(out))
def smooth(a: Slice[f32], out: DisjointSlice[f32]):
    tile = SharedArray(f32, BLOCK + 2 * RADIUS)
    t, i = thread.x, thread.index_1d()
    tile[t + RADIUS] = a[i] if i < len(a) else 0.0
    if t < RADIUS:
        left = i - RADIUS
        tile[t] = a[left] if 0 <= left < len(a) else 0.0
    sync_threads()
    if i < len(out):
        total = 0.0
        for k in range(2 * RADIUS + 1):
            total += tile[t + k]  # error: [OX303]
        out[i] = total
