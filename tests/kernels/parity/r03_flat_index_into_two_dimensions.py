"""R03, R04: a flat index where the slice has two dimensions, and two where it has one."""

from oxide import DisjointSlice, DisjointSlice2D, f32, kernel, thread


@kernel
def flat_into_rows(out: DisjointSlice2D[f32]):
    i = thread.index_1d()
    out[i] = 1.0  # error: [OX003]


@kernel
def rows_into_flat(out: DisjointSlice[f32]):
    row, col = thread.index_2d()
    out[row, col] = 1.0  # error: [OX003]
