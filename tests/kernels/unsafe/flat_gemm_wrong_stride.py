"""The product on flat slices that writes with the wrong row length: rows overlap."""
# launch: grid=(1, 1), block=(8, 8), a=8, b=16, c=16, m=4, k=2, n=8

from oxide import DisjointSlice, Slice, f32, i32, kernel, thread


@kernel(
    domain=2,
    requires=lambda a, b, m, k, n: (
        m >= 0 and k >= 0 and n >= 0 and len(a) >= m * k and len(b) >= k * n
    ),
)
def gemm(a: Slice[f32], b: Slice[f32], c: DisjointSlice[f32], m: i32, k: i32, n: i32):
    row, col = thread.index_2d()
    if row < m and col < n and row * k + col < len(c):
        total = 0.0
        for j in range(k):
            total += a[row * k + j] * b[j * n + col]
        c[row * k + col] = total  # error: [OX102]
