"""B09: an index is judged in every build; there is no switch that forgets it."""

from oxide import DisjointSlice, Slice, f32, kernel, thread


@kernel(requires=lambda a, out: len(a) == len(out))
def behind(a: Slice[f32], out: DisjointSlice[f32]):
    i = thread.index_1d()
    if i < len(a) and i < len(out):
        out[i] = a[i + 1]  # error: [OX301]


@kernel(requires=lambda a, out: len(a) == len(out))
def in_front(a: Slice[f32], out: DisjointSlice[f32]):
    i = thread.index_1d()
    if i < len(a) and i < len(out):
        out[i] = a[i - 1]  # error: [OX301]
