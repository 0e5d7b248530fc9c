"""A variable that one branch assigns and every thread reads."""
# launch: grid=1, block=8, a=[1, -1, 2], out=3

from oxide import DisjointSlice, Slice, i32, kernel, thread


@kernel(requires=lambda a, out: len(a) == len(out))
def positive(a: Slice[i32], out: DisjointSlice[i32]):
    i = thread.index_1d()
    if i < len(a):
        if a[i] > 0:
            x = a[i]
        out[i] = x  # error: [OX303]
