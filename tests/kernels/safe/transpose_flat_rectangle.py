"""A matrix in a flat slice, transposed through tiles that are wider than high."""
# launch: grid=(2, 2), block=(16, 8), a=300, out=300, height=15, width=20
# launch: grid=(1, 1), block=(16, 8), a=12, out=12, height=3, width=4

from oxide import DisjointSlice, SharedArray, Slice, block, f32, i32, kernel, sync_threads, thread

COLS, ROWS = 16, 8


@kernel(
    block=(COLS, ROWS),
    requires=lambda a, out, height, width: (
        height >= 0 and width >= 0 and len(a) >= height * width and len(out) >= height * width
    ),
)
def transpose(a: Slice[f32], out: DisjointSlice[f32], height: i32, width: i32):
    tile = SharedArray(f32, (ROWS, COLS + 1))
    x, y = thread.x, thread.y
    row = block.y * ROWS + y
    col = block.x * COLS + x
    tile[y, x] = a[row * width + col] if row < height and col < width else 0.0
    sync_threads()

    t = y * COLS + x
    down, right = t % ROWS, t // ROWS
    row = block.y * ROWS + down
    col = block.x * COLS + right
    if row < height and col < width:
        out[col * height + row] = tile[down, right]
