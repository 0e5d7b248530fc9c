"""Writes large numbers where they stand and the others from the far end: each element once."""
# launch: grid=2, block=4, a=8, out=8
# launch: grid=1, block=8, a=5, out=5

from oxide import DisjointSlice, Slice, f32, kernel, thread

LIMIT = 1.0


@kernel(requires=lambda a, out: len(a) == len(out))
def split(a: Slice[f32], out: DisjointSlice[f32]):
    i = thread.index_1d()
    if i < len(a):
        if a[i] > LIMIT:
            out[i] = a[i]
        mirrored = len(a) - 1 - i
        if not a[mirrored] > LIMIT:
            out[mirrored] = 0.0
