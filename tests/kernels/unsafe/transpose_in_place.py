"""A transpose in place: the thread of the mirror image reads what this one writes."""
# launch: grid=(1, 1), block=(8, 8), a=(8, 8)

from oxide import DisjointSlice2D, f32, kernel, thread


@kernel(requires=lambda a: a.shape[0] == a.shape[1])
def transpose(a: DisjointSlice2D[f32]):
    row, col = thread.index_2d()
    if row < a.shape[0] and col < a.shape[1]:
        a[row, col] = a[col, row]  # error: [OX103]
