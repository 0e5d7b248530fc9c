"""The tiled product on flat slices with three sizes that only the launch knows."""
# launch: grid=(1, 1), block=(8, 8), a=35, b=42, c=30, m=5, k=7, n=6
# launch: grid=(2, 1), block=(8, 8), a=9, b=27, c=27, m=3, k=3, n=9

from oxide import DisjointSlice, SharedArray, Slice, f32, i32, kernel, sync_threads, thread

TILE = 8


@kernel(
    block=(TILE, TILE),
    requires=lambda a, b, c, m, k, n: (
        m >= 0
        and k >= 0
        and n >= 0
        and len(a) >= m * k
        and len(b) >= k * n
        and len(c) >= m * n
    ),
)
def gemm(a: Slice[f32], b: Slice[f32], c: DisjointSlice[f32], m: i32, k: i32, n: i32):
    tile_a = SharedArray(f32, (TILE, TILE))
    tile_b = SharedArray(f32, (TILE, TILE))
    row, col = thread.index_2d()
    x, y = thread.x, thread.y
    total = 0.0
    for tile in range((k + TILE - 1) // TILE):
        across = tile * TILE + x
        down = tile * TILE + y
        tile_a[y, x] = a[row * k + across] if row < m and across < k else 0.0
        tile_b[y, x] = b[down * n + col] if down < k and col < n else 0.0
        sync_threads()
        for j in range(TILE):
            total += tile_a[y, j] * tile_b[j, x]
        sync_threads()
    if row < m and col < n:
        c[row * n + col] = total
