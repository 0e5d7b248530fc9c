"""All threads add to one element without an atomic."""
# launch: grid=1, block=16, a=30, out=1

from oxide import DisjointSlice, Slice, f32, kernel, thread


@kernel(requires=lambda out: len(out) >= 1)
def total(a: Slice[f32], out: DisjointSlice[f32]):
    i = thread.index_1d()
    if i < len(a):
        out[0] += a[i]  # error: [OX102]
