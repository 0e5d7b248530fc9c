"""Two branches write in turn: no thread is in both."""
# launch: grid=2, block=16, a=30, out=30
# launch: grid=1, block=4, a=3, out=3

from oxide import DisjointSlice, Slice, f32, kernel, thread


@kernel
def alternate(a: Slice[f32], out: DisjointSlice[f32]):
    i = thread.index_1d()
    if i < len(out):
        if i % 2 == 0:
            out[i] = a[i]
        else:
            out[i] = -a[i]
