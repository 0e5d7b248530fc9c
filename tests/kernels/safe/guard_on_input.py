"""The guard speaks of the input: that the output is as long is an inferred fact."""
# launch: grid=2, block=64, a=100, out=128
# launch: grid=1, block=32, a=5, out=5

from oxide import DisjointSlice, Slice, f32, kernel, thread


@kernel
def square(a: Slice[f32], out: DisjointSlice[f32]):
    i = thread.index_1d()
    if i < len(a):
        out[i] = a[i] * a[i]
