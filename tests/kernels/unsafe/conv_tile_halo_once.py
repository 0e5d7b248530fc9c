"""The tile has a halo, but each thread loads one element only: the last ones stay undefined."""
# launch: grid=1, block=32, a=50, weights=7, out=32

from oxide import DisjointSlice, SharedArray, Slice, block, f32, kernel, sync_threads, thread

BLOCK, RADIUS = 32, 3
SIZE = BLOCK + 2 * RADIUS


@kernel(block=BLOCK, requires=lambda weights: len(weights) >= 2 * RADIUS + 1)
def convolve(a: Slice[f32], weights: Slice[f32], out: DisjointSlice[f32]):
    tile = SharedArray(f32, SIZE)
    t = thread.x
    i = block.x * BLOCK - RADIUS + t
    tile[t] = a[i] if 0 <= i and i < len(a) else 0.0
    sync_threads()

    i = thread.index_1d()
    if i < len(out):
        total = 0.0
        for k in range(-RADIUS, RADIUS + 1):
            total += tile[t + RADIUS + k] * weights[RADIUS + k]  # error: [OX303]
        out[i] = total
