"""A gather that tests one side only: a negative index is outside."""
# launch: grid=1, block=16, a=10, order=[3, -1, 0], out=3

from oxide import DisjointSlice, Slice, f32, i32, kernel, thread


@kernel
def gather(a: Slice[f32], order: Slice[i32], out: DisjointSlice[f32]):
    i = thread.index_1d()
    if i < len(out):
        j = order[i]
        if j < len(a):
            out[i] = a[j]  # error: [OX301]
