"""What is asserted is checked, and known behind."""
# launch: grid=1, block=16, a=12, out=12, n=7
# launch: grid=2, block=4, a=3, out=3, n=0

from oxide import DisjointSlice, Slice, f32, i32, kernel, thread


@kernel(requires=lambda a, out, n: len(a) == len(out) and 0 <= n <= len(a))
def prefix(a: Slice[f32], out: DisjointSlice[f32], n: i32):
    i = thread.index_1d()
    assert n <= len(a), "n is within a"
    if i < n:
        out[i] = a[i]
