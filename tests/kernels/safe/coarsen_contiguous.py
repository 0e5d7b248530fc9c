"""Four neighbouring elements per thread, the tail guarded element by element."""
# launch: grid=2, block=8, a=60, out=60
# launch: grid=1, block=8, a=7, out=7

from oxide import DisjointSlice, Slice, f32, kernel, thread

PER_THREAD = 4


@kernel
def negate(a: Slice[f32], out: DisjointSlice[f32]):
    first = thread.index_1d() * PER_THREAD
    for c in range(PER_THREAD):
        i = first + c
        if i < len(out):
            out[i] = -a[i]
