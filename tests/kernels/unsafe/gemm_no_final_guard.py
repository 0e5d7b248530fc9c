"""GEMM without the guard of its result: threads behind the edges write outside `c`."""
# launch: grid=(1, 1), block=(16, 16), a=(10, 16), b=(16, 12), c=(10, 12)

from oxide import DisjointSlice2D, SharedArray, Slice2D, f32, kernel, sync_threads, thread

TILE = 16


@kernel(
    block=(TILE, TILE),
    requires=lambda a, b, c: (
        a.shape[1] == b.shape[0] and c.shape[0] == a.shape[0] and c.shape[1] == b.shape[1]
    ),
)
def gemm(a: Slice2D[f32], b: Slice2D[f32], c: DisjointSlice2D[f32]):
    tile_a = SharedArray(f32, (TILE, TILE))
    tile_b = SharedArray(f32, (TILE, TILE))
    row, col = thread.index_2d()
    x, y = thread.x, thread.y
    rows, inner = a.shape
    cols = b.shape[1]

    total = 0.0
    for start in range(0, inner, TILE):
        tile_a[y, x] = a[row, start + x] if row < rows and start + x < inner else 0.0
        tile_b[y, x] = b[start + y, col] if start + y < inner and col < cols else 0.0
        sync_threads()
        for k in range(TILE):
            total += tile_a[y, k] * tile_b[k, x]
        sync_threads()

    c[row, col] = total  # error: [OX301]
