"""A barrier taken for one of the grid: the mirror image of an element is another block's."""
# launch: grid=2, block=16, a=32, square=32, out=32

from oxide import DisjointSlice, Slice, f32, kernel, sync_threads, thread


@kernel(requires=lambda a, square, out: len(square) == len(a) and len(out) == len(a))
def mirrored_squares(a: Slice[f32], square: DisjointSlice[f32], out: DisjointSlice[f32]):
    i = thread.index_1d()
    if i < len(a):
        square[i] = a[i] * a[i]  # error: [OX105]
    sync_threads()
    if i < len(a):
        out[i] = square[len(a) - 1 - i]
