"""A permutation: no two elements of `place` are equal, and all are places of `out`."""
# launch: grid=1, block=8, a=5, place=[4, 2, 0, 1, 3], out=5
# launch: grid=2, block=4, a=6, place=[9, 0, 7, 5, 3, 1], out=10

from oxide import DisjointSlice, Slice, f32, i32, injective, kernel, thread, within


@kernel(
    requires=lambda a, place, out: len(a) == len(place)
    and injective(place)
    and within(place, 0, len(out)),
)
def permute(a: Slice[f32], place: Slice[i32], out: DisjointSlice[f32]):
    i = thread.index_1d()
    if i < len(place):
        out[place[i]] = a[i]
