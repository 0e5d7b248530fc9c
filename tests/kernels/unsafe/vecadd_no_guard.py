"""vecadd without its guard: the threads behind the end of the data leave all three slices."""
# launch: grid=2, block=64, a=100, b=100, c=100

from oxide import DisjointSlice, Slice, f32, kernel, thread


@kernel(requires=lambda a, b, c: len(a) >= len(c) and len(b) >= len(c))
def vecadd(a: Slice[f32], b: Slice[f32], c: DisjointSlice[f32]):
    i = thread.index_1d()
    c[i] = a[i] + b[i]  # error: 5 [OX301] # error: 12 [OX301] # error: 19 [OX301]
