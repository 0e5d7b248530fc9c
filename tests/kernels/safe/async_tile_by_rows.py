"""A tile of rows that a loop copies as one group; the threads read it by columns."""
# launch: grid=(2, 1), block=(8, 4), a=(16, 64), out=(64, 16)
# launch: grid=(1, 1), block=(8, 4), a=(16, 32), out=(32, 16)

from oxide import (
    DisjointSlice2D,
    SharedArray,
    Slice2D,
    async_commit,
    async_copy,
    async_wait,
    block,
    f32,
    kernel,
    sync_threads,
    thread,
)

ROWS, COLS = 16, 32


@kernel(
    block=(8, 4),
    requires=lambda a, out: (
        a.shape[0] == out.shape[1]
        and a.shape[1] == out.shape[0]
        and a.shape[0] % 16 == 0
        and a.shape[1] % 32 == 0
    ),
)
def transpose(a: Slice2D[f32], out: DisjointSlice2D[f32]):
    tile = SharedArray(f32, (ROWS, COLS + 4))
    row, col = block.y * ROWS, block.x * COLS
    if row < a.shape[0] and col < a.shape[1]:
        for j in range(ROWS // 4):
            r = 4 * j + thread.y
            async_copy(tile, (r, 4 * thread.x), a, (row + r, col + 4 * thread.x), 4)
        async_commit()
        async_wait()
        sync_threads()
        for j in range(ROWS // 8):
            for k in range(COLS // 4):
                out[col + 4 * k + thread.y, row + 8 * j + thread.x] = tile[
                    8 * j + thread.x, 4 * k + thread.y
                ]
