"""A tile with its halo, of which the loop leaves out the last column."""
# launch: grid=(2, 2), block=(8, 4), src=(6, 10), dst=(6, 10)

from oxide import DisjointSlice2D, SharedArray, Slice2D, block, f32, kernel, sync_threads, thread

TX = 8
TY = 4
R = 2


@kernel(
    block=(TX, TY),
    domain=2,
    requires=lambda src, dst: src.shape[0] == dst.shape[0] and src.shape[1] == dst.shape[1],
)
def smooth(src: Slice2D[f32], dst: DisjointSlice2D[f32]):
    tile = SharedArray(f32, (TY + 2 * R, TX + 2 * R))
    tx, ty = thread.x, thread.y
    rows, cols = src.shape[0], src.shape[1]
    row0 = block.y * TY - R
    col0 = block.x * TX - R
    y = ty
    while y < TY + 2 * R:
        x = tx
        while x < TX + 2 * R - 1:
            r = min(max(row0 + y, 0), rows - 1)
            c = min(max(col0 + x, 0), cols - 1)
            tile[y, x] = src[r, c] if rows > 0 and cols > 0 else 0.0
            x += TX
        y += TY
    sync_threads()
    row, col = thread.index_2d()
    if row < rows and col < cols:
        s = 0.0
        for dy in range(-R, R + 1):
            for dx in range(-R, R + 1):
                s += tile[ty + R + dy, tx + R + dx]  # error: [OX303]
        dst[row, col] = s / 25.0
