"""A filter with tables of weights and of places, whose rows are chosen by the thread."""
# launch: grid=2, block=64, a=100, out=100
# launch: grid=1, block=64, a=3, out=3

from oxide import DisjointSlice, Slice, f32, kernel, thread

WEIGHTS: tuple[f32, ...] = (0.25, 0.5, 0.25)
PLACES = (-1, 0, 1)
SCALES = ((1, 2, 3), (3, 5, 7), (2, 4, 8))
SIGNED = (True, False, True, True)


@kernel
def filtered(a: Slice[f32], out: DisjointSlice[f32]):
    i = thread.index_1d()
    if 1 <= i < len(a) - 1 and i < len(out):
        total = 0.0
        for k in range(len(WEIGHTS)):
            total += WEIGHTS[k] * a[i + PLACES[k]] * f32(SCALES[i % 3][k])
        out[i] = -total if SIGNED[i % 4] else total
