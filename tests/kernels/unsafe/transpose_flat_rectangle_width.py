"""A flat transpose that keeps the width as its stride: where the matrix is no square, columns overlap."""
# launch: grid=(1, 1), block=(16, 8), a=300, out=300, height=8, width=3

from oxide import DisjointSlice, SharedArray, Slice, block, f32, i32, kernel, sync_threads, thread

COLS, ROWS = 16, 8


@kernel(
    block=(COLS, ROWS),
    requires=lambda a, height, width: (
        height >= 0 and width >= 0 and width <= 1000 and len(a) >= height * width
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
    if row < height and col < width and col * width + row < len(out):
        out[col * width + row] = tile[down, right]  # error: [OX102] # also: [OX105]
