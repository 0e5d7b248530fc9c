"""The transpose that fills the columns of its tile from 1 and reads them from 0."""
# launch: grid=(1, 1), block=(32, 8), a=(32, 32), out=(32, 32)

from oxide import DisjointSlice2D, SharedArray, Slice2D, block, f32, kernel, sync_threads, thread

TILE = 32
ROWS = 8


@kernel(
    block=(TILE, ROWS),
    requires=lambda a, out: out.shape[0] == a.shape[1] and out.shape[1] == a.shape[0],
)
def transpose(a: Slice2D[f32], out: DisjointSlice2D[f32]):
    tile = SharedArray(f32, (TILE, TILE + 1))
    x, y = thread.x, thread.y

    col = block.x * TILE + x
    for r in range(y, TILE, ROWS):
        row = block.y * TILE + r
        tile[r, x + 1] = a[row, col] if row < a.shape[0] and col < a.shape[1] else 0.0
    sync_threads()

    col = block.y * TILE + x
    for r in range(y, TILE, ROWS):
        row = block.x * TILE + r
        if row < out.shape[0] and col < out.shape[1]:
            out[row, col] = tile[x, r]  # error: [OX303]
