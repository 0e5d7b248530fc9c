"""Four results per thread whose places are one apart instead of two."""
# launch: grid=(1, 1), block=(8, 8), a=(10, 12), b=(12, 13), c=(10, 13)

from oxide import DisjointSlice2D, LocalArray, SharedArray, Slice2D, block, f32, kernel, sync_threads, thread

SIDE = 8
TILE = 2 * SIDE


@kernel(
    block=(SIDE, SIDE),
    requires=lambda a, b, c: (
        b.shape[0] == a.shape[1] and c.shape[0] == a.shape[0] and c.shape[1] == b.shape[1]
    ),
)
def gemm(a: Slice2D[f32], b: Slice2D[f32], c: DisjointSlice2D[f32]):
    left = SharedArray(f32, (TILE, SIDE))
    right = SharedArray(f32, (SIDE, TILE))
    x, y = thread.x, thread.y
    rows, inner = a.shape
    cols = b.shape[1]
    top, first = block.y * TILE, block.x * TILE
    total = LocalArray(f32, (2, 2))
    for u in range(2):
        for v in range(2):
            total[u, v] = 0.0

    for start in range(0, inner, SIDE):
        for u in range(2):
            row, col = top + y + u * SIDE, start + x
            left[y + u * SIDE, x] = a[row, col] if row < rows and col < inner else 0.0
            row, col = start + y, first + x + u * SIDE
            right[y, x + u * SIDE] = b[row, col] if row < inner and col < cols else 0.0
        sync_threads()
        for k in range(SIDE):
            for u in range(2):
                for v in range(2):
                    total[u, v] += left[2 * y + u, k] * right[k, 2 * x + v]
        sync_threads()

    for u in range(2):
        for v in range(2):
            row, col = top + 2 * y + u, first + x + v
            if row < rows and col < cols:
                c[row, col] = total[u, v]  # error: [OX102] # also: [OX105]
