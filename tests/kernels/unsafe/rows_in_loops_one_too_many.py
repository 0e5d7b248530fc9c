"""The last round of the guard takes a row behind the last one, before any element is read."""
# launch: grid=1, block=8, a=(6, 3), out=6

from oxide import DisjointSlice, Slice2D, f32, grid_dim, kernel, thread


@kernel(requires=lambda a, out: a.shape[0] == len(out) and grid_dim.x >= 1)
def spreads(a: Slice2D[f32], out: DisjointSlice[f32]):
    i = thread.index_1d()
    if i <= len(out):
        total = 0.0
        for value in a[i, :]:  # error: [OX301] "row"
            total += value
        out[i] = total  # also: [OX301]
