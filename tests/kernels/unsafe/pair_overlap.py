"""Two elements per thread, but a stride of one: the second is the next thread's first."""
# launch: grid=1, block=16, a=60, out=60

from oxide import DisjointSlice, Slice, f32, kernel, thread


@kernel
def swap_pairs(a: Slice[f32], out: DisjointSlice[f32]):
    i = thread.index_1d()
    if i + 1 < len(out):
        out[i] = a[i + 1]
        out[i + 1] = a[i]  # error: [OX102]
