"""The stencil without the test for the first row and column: it reads row −1 and column −1."""
# launch: grid=(1, 1), block=(8, 8), a=(8, 8), out=(8, 8)

from oxide import DisjointSlice2D, Slice2D, f32, kernel, thread


@kernel(
    domain=2,
    requires=lambda a, out: out.shape[0] == a.shape[0] and out.shape[1] == a.shape[1],
)
def stencil_2d(a: Slice2D[f32], out: DisjointSlice2D[f32]):
    row, col = thread.index_2d()
    rows, cols = a.shape
    if row < rows and col < cols:
        above = a[row - 1, col]  # error: [OX301]
        left = a[row, col - 1]  # error: [OX301]
        out[row, col] = 0.5 * (above + left)
