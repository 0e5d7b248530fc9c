"""The thread's own array is read one element further than it was filled."""
# launch: grid=1, block=8, a=40, out=10

from oxide import DisjointSlice, LocalArray, Slice, f32, kernel, thread


@kernel(requires=lambda a, out: len(a) >= 3 * len(out))
def sums(a: Slice[f32], out: DisjointSlice[f32]):
    i = thread.index_1d()
    if i >= len(out):
        return
    window = LocalArray(f32, 4)
    for k in range(3):
        window[k] = a[3 * i + k]
    total = 0.0
    for k in range(4):
        total += window[k]  # error: [OX303]
    out[i] = total
