"""Writes large numbers where they stand, and at the far end a zero for each that is not large."""
# launch: grid=2, block=4, a=8, out=8

from oxide import DisjointSlice, Slice, f32, kernel, thread

LIMIT = 1.0


@kernel(requires=lambda a, out: len(a) == len(out))
def split(a: Slice[f32], out: DisjointSlice[f32]):
    i = thread.index_1d()
    if i < len(a):
        if a[i] > LIMIT:
            out[i] = a[i]
        mirrored = len(a) - 1 - i
        if not a[i] > LIMIT:
            out[mirrored] = 0.0  # error: [OX105]
