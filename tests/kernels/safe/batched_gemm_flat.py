"""Products of many square matrices, flat in memory."""
# launch: grid=(1, 1, 2), block=(2, 2, 2), a=27, b=27, c=27, nb=3, n=3
# launch: grid=(2, 2, 1), block=(2, 2, 1), a=9, b=9, c=9, nb=1, n=3

from oxide import DisjointSlice, Slice, f32, kernel, thread


@kernel(
    requires=lambda a, b, c, nb, n: (
        n >= 1
        and nb >= 1
        and len(a) >= nb * n * n
        and len(b) >= nb * n * n
        and len(c) >= nb * n * n
    )
)
def bmm(a: Slice[f32], b: Slice[f32], c: DisjointSlice[f32], nb: int, n: int):
    z, row, col = thread.index_3d()
    if z < nb and row < n and col < n:
        s = 0.0
        for k in range(n):
            s += a[z * n * n + row * n + k] * b[z * n * n + k * n + col]
        c[z * n * n + row * n + col] = s
