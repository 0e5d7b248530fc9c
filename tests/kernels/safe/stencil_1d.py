"""A stencil with its border tested by a chained comparison."""
# launch: grid=2, block=16, a=30, out=30
# launch: grid=1, block=4, a=2, out=2

from oxide import DisjointSlice, Slice, f32, kernel, thread


@kernel(requires=lambda a, out: len(a) == len(out))
def smooth(a: Slice[f32], out: DisjointSlice[f32]):
    i = thread.index_1d()
    if 0 < i < len(a) - 1:
        out[i] = (a[i - 1] + a[i] + a[i + 1]) / 3.0
