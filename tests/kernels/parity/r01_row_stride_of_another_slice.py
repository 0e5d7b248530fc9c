"""R01: an index made for rows of 200 elements, used on a slice whose rows have 100.

The model mints a witness for one stride and refuses it at the other; here the index is a number,
and the bound and the owner of each element are judged.
"""

from oxide import DisjointSlice, DisjointSlice2D, f32, kernel, thread


@kernel(requires=lambda out: len(out) == 20000)
def flattened(out: DisjointSlice[f32]):
    row, col = thread.index_2d()
    if row < 200 and col < 200:
        out[row * 100 + col] = col * 1.0  # error: [OX102]


@kernel(requires=lambda out: out.shape[0] == 200 and out.shape[1] == 100)
def two_dimensions(out: DisjointSlice2D[f32]):
    row, col = thread.index_2d()
    if row < 200 and col < 200:
        out[row, col] = 1.0  # error: [OX301]
