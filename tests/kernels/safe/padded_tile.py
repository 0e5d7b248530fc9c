"""A padded tile, one element a thread: dimensions are compared one by one, so padding is nothing."""
# launch: grid=(1, 1), block=(8, 8), a=(8, 8), out=(8, 8)
# launch: grid=(2, 2), block=(8, 8), a=(12, 9), out=(9, 12)

from oxide import DisjointSlice2D, SharedArray, Slice2D, block, f32, kernel, sync_threads, thread

TILE = 8


@kernel(
    block=(TILE, TILE),
    requires=lambda a, out: out.shape[0] == a.shape[1] and out.shape[1] == a.shape[0],
)
def transpose(a: Slice2D[f32], out: DisjointSlice2D[f32]):
    tile = SharedArray(f32, (TILE, TILE + 1))
    x, y = thread.x, thread.y
    row, col = block.y * TILE + y, block.x * TILE + x
    tile[y, x] = a[row, col] if row < a.shape[0] and col < a.shape[1] else 0.0
    sync_threads()
    row, col = block.x * TILE + y, block.y * TILE + x
    if row < out.shape[0] and col < out.shape[1]:
        out[row, col] = tile[x, y]
