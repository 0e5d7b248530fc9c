"""Two elements of `place` may be equal."""
# launch: grid=1, block=8, a=5, place=[4, 2, 4, 1, 3], out=5

from oxide import DisjointSlice, Slice, f32, i32, kernel, thread, within


@kernel(
    requires=lambda a, place, out: len(a) == len(place)
    and within(place, 0, len(out)),
)
def permute(a: Slice[f32], place: Slice[i32], out: DisjointSlice[f32]):
    i = thread.index_1d()
    if i < len(place):
        out[place[i]] = a[i]  # error: [OX102]
