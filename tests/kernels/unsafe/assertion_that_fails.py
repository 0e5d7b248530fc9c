"""What is asserted need not be so."""
# launch: grid=1, block=16, a=12, out=12, n=13

from oxide import DisjointSlice, Slice, f32, i32, kernel, thread


@kernel(requires=lambda a, out, n: len(a) == len(out) and 0 <= n)
def prefix(a: Slice[f32], out: DisjointSlice[f32], n: i32):
    i = thread.index_1d()
    assert n <= len(a), "n is within a"  # error: [OX308]
    if i < n:
        out[i] = a[i]
