"""A convolution in a tile with a halo on both sides, loaded in two strides of the block."""
# launch: grid=2, block=32, a=50, weights=7, out=50
# launch: grid=1, block=32, a=3, weights=7, out=3

from oxide import DisjointSlice, SharedArray, Slice, block, f32, kernel, sync_threads, thread

BLOCK, RADIUS = 32, 3
SIZE = BLOCK + 2 * RADIUS


@kernel(block=BLOCK, requires=lambda weights: len(weights) >= 2 * RADIUS + 1)
def convolve(a: Slice[f32], weights: Slice[f32], out: DisjointSlice[f32]):
    tile = SharedArray(f32, SIZE)
    t = thread.x
    first = block.x * BLOCK - RADIUS
    for k in range(t, SIZE, BLOCK):
        i = first + k
        tile[k] = a[i] if 0 <= i and i < len(a) else 0.0
    sync_threads()

    i = thread.index_1d()
    if i < len(out):
        total = 0.0
        for k in range(-RADIUS, RADIUS + 1):
            total += tile[t + RADIUS + k] * weights[RADIUS + k]
        out[i] = total
