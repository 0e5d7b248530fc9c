"""vecadd whose guard lets one thread too many through: it writes `c[len(c)]`."""
# launch: grid=2, block=64, a=101, b=101, c=100

from oxide import DisjointSlice, Slice, f32, kernel, thread


@kernel(requires=lambda a, b, c: len(a) > len(c) and len(b) > len(c))
def vecadd(a: Slice[f32], b: Slice[f32], c: DisjointSlice[f32]):
    i = thread.index_1d()
    if i <= len(c):
        c[i] = a[i] + b[i]  # error: [OX301]
