"""R13: tiles of two dimensions under a contract of one.

With `domain=1` the other axes have extent 1, so a row is always row 0: harmless, and proved. A
block of two dimensions contradicts it.
"""

from oxide import DisjointSlice2D, f32, kernel, thread


@kernel(domain=1)
def first_row(out: DisjointSlice2D[f32]):
    row, col = thread.index_2d()
    if row < out.shape[0] and col < out.shape[1]:
        out[row, col] = 1.0


@kernel(domain=1, block=(16, 16))  # error: [OX404]
def contradicted(out: DisjointSlice2D[f32]):
    row, col = thread.index_2d()
    if row < out.shape[0] and col < out.shape[1]:
        out[row, col] = 1.0
