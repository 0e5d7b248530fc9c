"""A triangular loop: the bound of the inner loop is the thread's row."""
# launch: grid=1, block=8, out=(6, 6)
# launch: grid=2, block=4, out=(5, 5)

from oxide import DisjointSlice2D, f32, kernel, thread


@kernel(requires=lambda out: out.shape[0] == out.shape[1])
def lower(out: DisjointSlice2D[f32]):
    row = thread.index_1d()
    if row < out.shape[0]:
        for col in range(row + 1):
            out[row, col] = 1.0  # hint: [OX601]
        for col in range(row + 1, out.shape[1]):
            out[row, col] = 0.0  # hint: [OX601]
