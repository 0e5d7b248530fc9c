"""A tile with a frame of one element: four strips are fetched by the threads at the edges."""
# launch: grid=(1, 1), block=(8, 8), a=(8, 8), out=(8, 8)
# launch: grid=(2, 2), block=(8, 8), a=(9, 12), out=(9, 12)

from oxide import DisjointSlice2D, SharedArray, Slice2D, device, f32, kernel, sync_threads, thread

TILE = 8


@device
def inside(row: int, col: int, rows: int, cols: int) -> bool:
    return 0 <= row < rows and 0 <= col < cols


@kernel(
    block=(TILE, TILE),
    requires=lambda a, out: out.shape[0] == a.shape[0] and out.shape[1] == a.shape[1],
)
def smooth(a: Slice2D[f32], out: DisjointSlice2D[f32]):
    tile = SharedArray(f32, (TILE + 2, TILE + 2))
    row, col = thread.index_2d()
    x, y = thread.x + 1, thread.y + 1
    rows, cols = a.shape
    tile[y, x] = a[row, col] if inside(row, col, rows, cols) else 0.0
    if thread.x == 0:
        tile[y, 0] = a[row, col - 1] if inside(row, col - 1, rows, cols) else 0.0
    if thread.x == TILE - 1:
        tile[y, TILE + 1] = a[row, col + 1] if inside(row, col + 1, rows, cols) else 0.0
    if thread.y == 0:
        tile[0, x] = a[row - 1, col] if inside(row - 1, col, rows, cols) else 0.0
    if thread.y == TILE - 1:
        tile[TILE + 1, x] = a[row + 1, col] if inside(row + 1, col, rows, cols) else 0.0
    sync_threads()
    if row < rows and col < cols:
        around = tile[y - 1, x] + tile[y + 1, x] + tile[y, x - 1] + tile[y, x + 1]
        out[row, col] = 0.25 * around
