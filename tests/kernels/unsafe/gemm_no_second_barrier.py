"""GEMM without the barrier behind the products: the next tiles overwrite those still in use."""
# launch: grid=(1, 1), block=(16, 16), a=(16, 32), b=(32, 16), c=(16, 16)

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
        value_a = a[row, start + x] if row < rows and start + x < inner else 0.0
        value_b = b[start + y, col] if start + y < inner and col < cols else 0.0
        tile_a[y, x] = value_a  # error: [OX104]
        tile_b[y, x] = value_b  # error: [OX104]
        sync_threads()
        for k in range(TILE):
            total += tile_a[y, k] * tile_b[k, x]

    if row < rows and col < cols:
        c[row, col] = total
