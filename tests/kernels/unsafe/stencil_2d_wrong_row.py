"""The stencil that forgets the row when it writes: the threads of a column meet in row 1."""
# launch: grid=(1, 1), block=(8, 8), a=(10, 10), out=(10, 10)

from oxide import DisjointSlice2D, Slice2D, f32, kernel, thread


@kernel(
    domain=2,
    requires=lambda a, out: out.shape[0] == a.shape[0] and out.shape[1] == a.shape[1],
)
def stencil_2d(a: Slice2D[f32], out: DisjointSlice2D[f32]):
    row, col = thread.index_2d()
    rows, cols = a.shape
    if 0 < row < rows - 1 and 0 < col < cols - 1:
        out[1, col] = a[row - 1, col] + a[row + 1, col]  # error: [OX102]
