"""One thread per row: the loop over the columns is the thread's own."""
# launch: grid=2, block=4, a=(7, 10), x=10, y=7
# launch: grid=1, block=4, a=(3, 1), x=1, y=3

from oxide import DisjointSlice, Slice, Slice2D, f32, kernel, thread


@kernel(requires=lambda a, x, y: len(y) == a.shape[0] and len(x) == a.shape[1])
def matvec(a: Slice2D[f32], x: Slice[f32], y: DisjointSlice[f32]):
    row = thread.index_1d()
    if row < len(y):
        total = 0.0
        for k in range(len(x)):
            total += a[row, k] * x[k]  # hint: [OX601]
        y[row] = total
