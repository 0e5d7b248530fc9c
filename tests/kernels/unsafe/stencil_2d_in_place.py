"""The stencil in place: a thread reads its neighbours while they are overwritten."""
# launch: grid=(1, 1), block=(8, 8), a=(10, 10)

from oxide import DisjointSlice2D, f32, kernel, thread


@kernel(domain=2)
def stencil_2d(a: DisjointSlice2D[f32]):
    row, col = thread.index_2d()
    rows, cols = a.shape
    if 0 < row < rows - 1 and 0 < col < cols - 1:
        a[row, col] = 0.5 * (a[row - 1, col] + a[row + 1, col])  # error: [OX103]
