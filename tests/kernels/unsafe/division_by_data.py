"""A division by data that nothing keeps from being zero."""
# launch: grid=1, block=8, a=3, b=[2, 0, 1], out=3

from oxide import DisjointSlice, Slice, i32, kernel, thread


@kernel(requires=lambda a, b, out: len(a) == len(out) and len(b) == len(out))
def quotients(a: Slice[i32], b: Slice[i32], out: DisjointSlice[i32]):
    i = thread.index_1d()
    if i < len(out):
        out[i] = a[i] // b[i]  # error: [OX307]
