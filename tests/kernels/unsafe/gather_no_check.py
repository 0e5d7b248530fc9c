"""A gather that trusts its data: an index may lie anywhere."""
# launch: grid=1, block=16, a=10, order=[3, 10, 0], out=3

from oxide import DisjointSlice, Slice, f32, i32, kernel, thread


@kernel
def gather(a: Slice[f32], order: Slice[i32], out: DisjointSlice[f32]):
    i = thread.index_1d()
    if i < len(out):
        out[i] = a[order[i]]  # error: [OX301]
