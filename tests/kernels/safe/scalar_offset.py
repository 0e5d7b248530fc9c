"""An offset that only the launch knows: that it is not negative is an inferred fact."""
# launch: grid=2, block=16, a=60, out=40, offset=20
# launch: grid=1, block=8, a=7, out=7, offset=0

from oxide import DisjointSlice, Slice, f32, i32, kernel, thread


@kernel
def shift(a: Slice[f32], out: DisjointSlice[f32], offset: i32):
    i = thread.index_1d()
    if i < len(out) and i + offset < len(a):
        out[i] = a[i + offset]
