"""An index that comes from the data is tested before it is used; reads may meet."""
# launch: grid=2, block=16, a=10, order=[3, 1, -1, 9, 10, 3, 0], out=7
# launch: grid=1, block=4, a=2, order=[0, 1, 1], out=3

from oxide import DisjointSlice, Slice, f32, i32, kernel, thread


@kernel
def gather(a: Slice[f32], order: Slice[i32], out: DisjointSlice[f32]):
    i = thread.index_1d()
    if i < len(out):
        j = order[i]
        out[i] = a[j] if 0 <= j < len(a) else 0.0
