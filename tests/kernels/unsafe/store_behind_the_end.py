"""What a fact would make unreachable is not repaired by it: `len(out) >= n` is offered only."""
# launch: grid=2, block=4, a=8, out=4, n=8

from oxide import DisjointSlice, Slice, f32, i32, kernel, thread


@kernel(requires=lambda a, n: len(a) >= n)
def behind(a: Slice[f32], out: DisjointSlice[f32], n: i32):
    i = thread.index_1d()
    if i < n and i >= len(out):
        out[i] = a[i]  # error: [OX301]
