"""R02: an index for the width that a parameter names, on rows of another width."""

from oxide import DisjointSlice, f32, i32, kernel, thread


@kernel(requires=lambda out, wide, narrow: 1 <= narrow < wide and len(out) == wide * wide)
def mixed(out: DisjointSlice[f32], wide: i32, narrow: i32):
    row, col = thread.index_2d()
    if row < wide and col < wide:
        out[row * narrow + col] = col * 1.0  # error: [OX102]


@kernel(requires=lambda out, wide: 1 <= wide and len(out) == wide * wide)
def right(out: DisjointSlice[f32], wide: i32):
    row, col = thread.index_2d()
    if row < wide and col < wide:
        out[row * wide + col] = 1.0
