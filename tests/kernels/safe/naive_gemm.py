"""A matrix product with one thread per element and nothing shared."""
# launch: grid=(2, 2), block=(4, 4), a=(5, 3), b=(3, 7), c=(5, 7)
# launch: grid=(1, 1), block=(2, 2), a=(2, 1), b=(1, 2), c=(2, 2)

from oxide import DisjointSlice2D, Slice2D, f32, kernel, thread


@kernel(
    domain=2,
    requires=lambda a, b, c: (
        a.shape[1] == b.shape[0] and c.shape[0] == a.shape[0] and c.shape[1] == b.shape[1]
    ),
)
def gemm(a: Slice2D[f32], b: Slice2D[f32], c: DisjointSlice2D[f32]):
    row, col = thread.index_2d()
    if row < c.shape[0] and col < c.shape[1]:
        total = 0.0
        for k in range(a.shape[1]):
            total += a[row, k] * b[k, col]
        c[row, col] = total
