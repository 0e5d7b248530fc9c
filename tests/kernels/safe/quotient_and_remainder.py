"""A flat index taken apart into row and column by `//` and `%`."""
# launch: grid=2, block=16, a=(4, 7), out=(4, 7)
# launch: grid=1, block=4, a=(1, 3), out=(1, 3)

from oxide import DisjointSlice2D, Slice2D, f32, kernel, thread


@kernel(requires=lambda a, out: out.shape[0] == a.shape[0] and out.shape[1] == a.shape[1])
def copy(a: Slice2D[f32], out: DisjointSlice2D[f32]):
    rows, cols = a.shape
    i = thread.index_1d()
    if i < rows * cols:
        row = i // cols
        col = i % cols
        out[row, col] = a[row, col]
