"""A stencil that takes the last element for an inner one."""
# launch: grid=1, block=16, a=10, out=10

from oxide import DisjointSlice, Slice, f32, kernel, thread


@kernel(requires=lambda a, out: len(a) == len(out))
def smooth(a: Slice[f32], out: DisjointSlice[f32]):
    i = thread.index_1d()
    if 0 < i < len(a):
        out[i] = a[i - 1] + a[i + 1]  # error: [OX301]
