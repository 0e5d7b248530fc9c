"""A stencil through shared memory: the first threads of a block fetch its halo too."""
# launch: grid=2, block=32, a=50, out=50
# launch: grid=1, block=32, a=32, out=32

from oxide import DisjointSlice, SharedArray, Slice, f32, kernel, sync_threads, thread

BLOCK = 32
RADIUS = 3


@kernel(block=BLOCK, requires=lambda a, out: len(a) == len(out))
def smooth(a: Slice[f32], out: DisjointSlice[f32]):
    tile = SharedArray(f32, BLOCK + 2 * RADIUS)
    t, i = thread.x, thread.index_1d()
    tile[t + RADIUS] = a[i] if i < len(a) else 0.0
    if t < RADIUS:
        left, right = i - RADIUS, i + BLOCK
        tile[t] = a[left] if 0 <= left < len(a) else 0.0
        tile[t + RADIUS + BLOCK] = a[right] if right < len(a) else 0.0
    sync_threads()
    if i < len(out):
        total = 0.0
        for k in range(2 * RADIUS + 1):
            total += tile[t + k]
        out[i] = total / (2 * RADIUS + 1)
