"""The guard as an early return: what follows runs under its negation."""
# launch: grid=2, block=64, a=100, out=100
# launch: grid=1, block=32, a=5, out=5

from oxide import DisjointSlice, Slice, f32, kernel, thread


@kernel
def copy(a: Slice[f32], out: DisjointSlice[f32]):
    i = thread.index_1d()
    if i >= len(out):
        return
    out[i] = a[i]
