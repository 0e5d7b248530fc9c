"""Guards for neighbours at a distance of one, and takes one at two from a table."""
# launch: grid=1, block=64, a=64, out=64

from oxide import DisjointSlice, Slice, f32, kernel, thread

PLACES = (-1, 2)


@kernel
def neighbours(a: Slice[f32], out: DisjointSlice[f32]):
    i = thread.index_1d()
    if 1 <= i < len(a) - 1 and i < len(out):
        total = 0.0
        for k in range(2):
            total += a[i + PLACES[k]]  # error: [OX301]
        out[i] = total
