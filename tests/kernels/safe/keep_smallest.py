"""A counter that only sometimes goes up: each thread keeps up to four values in local memory."""
# launch: grid=2, block=8, a=(14, 9), out=(14, 4), limit=0.5
# launch: grid=1, block=4, a=(2, 0), out=(2, 4), limit=3.0

from oxide import DisjointSlice2D, LocalArray, Slice2D, f32, kernel, thread

KEPT = 4


@kernel(requires=lambda a, out: out.shape[0] >= a.shape[0] and out.shape[1] >= KEPT)
def first_below(a: Slice2D[f32], out: DisjointSlice2D[f32], limit: f32):
    row = thread.index_1d()
    if row >= a.shape[0]:
        return
    kept = LocalArray(f32, KEPT)
    for k in range(KEPT):
        kept[k] = 0.0
    count = 0
    for col in range(a.shape[1]):
        if a[row, col] < limit and count < KEPT:  # hint: [OX601]
            kept[count] = a[row, col]
            count += 1
    for k in range(KEPT):
        out[row, k] = kept[k]
