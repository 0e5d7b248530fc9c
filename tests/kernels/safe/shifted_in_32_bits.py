"""Shifts by a scalar in 32 bits: the sum may wrap, and differs in each thread even so."""
# launch: grid=2, block=8, a=16, out=20, w=3
# launch: grid=2, block=8, a=16, out=20, w=-5

from oxide import DisjointSlice, Slice, f32, i32, kernel, thread


@kernel
def shifted(a: Slice[f32], out: DisjointSlice[f32], w: i32):
    i = thread.index_1d()
    j = i32(i) + w
    if i < len(a) and 0 <= j < len(out):
        out[j] = a[i]
