"""Rows summed element by element: a loop over a view, and over a part of one."""
# launch: grid=1, block=8, a=(6, 3), out=6
# launch: grid=2, block=4, a=(5, 4), out=5

from oxide import DisjointSlice, Slice, Slice2D, device, f32, kernel, thread


@device
def largest(row: Slice[f32], low: f32) -> f32:
    found = low
    for value in row:  # hint: [OX601]
        if value > found:
            found = value
    return found


@kernel(requires=lambda a, out: a.shape[0] >= len(out) and a.shape[1] >= 1)
def spreads(a: Slice2D[f32], out: DisjointSlice[f32]):
    i = thread.index_1d()
    if i < len(out):
        row = a[i, :]
        high = largest(row, row[0])
        total = 0.0
        for value in row[1:]:
            total += high - value
        out[i] = total
