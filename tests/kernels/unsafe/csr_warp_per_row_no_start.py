"""Where the last row ends nobody knows: `start` has no element for it."""
# launch: grid=1, block=128, start=[0, 2, 2], column=[0, 3, 1, 2, 0], value=5, x=4, y=3

from oxide import DisjointSlice, Slice, f32, i32, kernel, thread, warp, within


@kernel(
    block=128,
    domain=1,
    requires=lambda start, column, value, x, y: len(start) == len(y)
    and len(column) == len(value)
    and within(start, 0, len(value) + 1)
    and within(column, 0, len(x)),
)
def csr_times_vector(
    start: Slice[i32],
    column: Slice[i32],
    value: Slice[f32],
    x: Slice[f32],
    y: DisjointSlice[f32],
):
    row = thread.index_1d() // 32
    if row < len(y):
        total = 0.0
        for k in range(start[row] + warp.lane, start[row + 1], 32):  # error: [OX301]
            total += value[k] * x[column[k]]
        total = warp.reduce_add(total)
        if warp.lane == 0:
            y[row] = total
