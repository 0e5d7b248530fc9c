"""A shift in place: a thread reads what its neighbour overwrites."""
# launch: grid=1, block=16, a=30

from oxide import DisjointSlice, f32, kernel, thread


@kernel
def shift(a: DisjointSlice[f32]):
    i = thread.index_1d()
    if i + 1 < len(a):
        a[i] = a[i + 1]  # error: [OX103]
