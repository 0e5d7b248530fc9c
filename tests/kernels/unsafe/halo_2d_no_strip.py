"""The framed tile without its lower strip: the last row of threads reads it undefined."""
# launch: grid=(1, 1), block=(8, 8), a=(8, 8), out=(8, 8)

from oxide import DisjointSlice2D, SharedArray, Slice2D, f32, kernel, sync_threads, thread

TILE = 8


@kernel(
    block=(TILE, TILE),
    requires=lambda a, out: out.shape[0] == a.shape[0] and out.shape[1] == a.shape[1],
)
def smooth(a: Slice2D[f32], out: DisjointSlice2D[f32]):
    tile = SharedArray(f32, (TILE + 2, TILE))
    row, col = thread.index_2d()
    x, y = thread.x, thread.y + 1
    rows, cols = a.shape
    tile[y, x] = a[row, col] if row < rows and col < cols else 0.0
    if thread.y == 0:
        tile[0, x] = a[row - 1, col] if 0 < row <= rows and col < cols else 0.0
    sync_threads()
    if row < rows and col < cols:
        out[row, col] = 0.5 * (tile[y - 1, x] + tile[y + 1, x])  # error: [OX303]
