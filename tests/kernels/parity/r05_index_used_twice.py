"""R05, R06: one index, used twice. The model forbids it; harmless here, and proved.

An element that a thread owns is its own at each access, and the same index names one element of
each of two slices.
"""

from oxide import DisjointSlice, Slice, f32, kernel, thread


@kernel
def twice(a: Slice[f32], out: DisjointSlice[f32], other: DisjointSlice[f32]):
    i = thread.index_1d()
    if i < len(a) and i < len(out) and i < len(other):
        out[i] = a[i]
        out[i] += 1.0
        other[i] = out[i]


@kernel
def two_tiles_of_one_slice(out: DisjointSlice[f32]):
    i = thread.index_1d()
    if i + 1 < len(out):
        out[i] = 1.0
        out[i + 1] = 2.0  # error: [OX102]
