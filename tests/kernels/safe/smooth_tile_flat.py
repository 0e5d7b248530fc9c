"""A tile with its halo, filled by one loop over a flat index; zero outside of the image."""
# launch: grid=(2, 2), block=(8, 4), src=(6, 10), dst=(6, 10)
# launch: grid=(1, 1), block=(8, 4), src=(3, 2), dst=(3, 2)

from oxide import DisjointSlice2D, SharedArray, Slice2D, block, f32, kernel, sync_threads, thread

TX = 8
TY = 4
R = 2
W = TX + 2 * R
H = TY + 2 * R


@kernel(
    block=(TX, TY),
    domain=2,
    requires=lambda src, dst: src.shape[0] == dst.shape[0] and src.shape[1] == dst.shape[1],
)
def smooth(src: Slice2D[f32], dst: DisjointSlice2D[f32]):
    tile = SharedArray(f32, W * H)
    tx, ty = thread.x, thread.y
    lin = ty * TX + tx
    rows, cols = src.shape[0], src.shape[1]
    for p in range(lin, W * H, TX * TY):
        y = p // W
        x = p % W
        r = block.y * TY + y - R
        c = block.x * TX + x - R
        if 0 <= r < rows and 0 <= c < cols:
            tile[p] = src[r, c]
        else:
            tile[p] = 0.0
    sync_threads()
    row, col = thread.index_2d()
    if row < rows and col < cols:
        s = 0.0
        for dy in range(2 * R + 1):
            for dx in range(2 * R + 1):
                s += tile[(ty + dy) * W + tx + dx]
        dst[row, col] = s / 25.0
