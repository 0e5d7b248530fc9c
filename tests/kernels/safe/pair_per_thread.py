"""Two neighbouring elements per thread: indices of two threads differ in their halves."""
# launch: grid=2, block=16, a=60, out=60
# launch: grid=1, block=8, a=7, out=7

from oxide import DisjointSlice, Slice, f32, kernel, thread


@kernel
def swap_pairs(a: Slice[f32], out: DisjointSlice[f32]):
    i = 2 * thread.index_1d()
    if i + 1 < len(out):
        out[i] = a[i + 1]
        out[i + 1] = a[i]
