"""Constants of the module, and one expression of literals."""
# launch: grid=2, block=16, a=30, out=30
# launch: grid=1, block=4, a=3, out=3

from oxide import DisjointSlice, Slice, f32, kernel, thread

OFFSET = 1 << 3
FACTOR = 0.5
INVERT = True


@kernel
def weigh(a: Slice[f32], out: DisjointSlice[f32]):
    i = thread.index_1d()
    if i < len(out):
        x = a[i] * FACTOR + OFFSET
        out[i] = -x if INVERT else x
