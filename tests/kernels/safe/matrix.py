"""The same in two dimensions: every dimension is checked for itself."""
# launch: grid=(2, 2), block=(8, 4), a=(7, 10), out=(7, 10)
# launch: grid=(1, 1), block=(4, 4), a=(3, 3), out=(2, 3)

from oxide import DisjointSlice2D, Slice2D, f32, kernel, thread


@kernel
def scale(a: Slice2D[f32], out: DisjointSlice2D[f32]):
    row, col = thread.index_2d()
    if row < out.shape[0] and col < out.shape[1]:
        out[row, col] = 2.0 * a[row, col]
