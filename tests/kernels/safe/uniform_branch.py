"""A barrier in a branch that all threads take or none: the condition is the launch's."""
# launch: grid=2, block=32, a=50, out=50, mirrored=1
# launch: grid=1, block=32, a=30, out=30, mirrored=0

from oxide import DisjointSlice, SharedArray, Slice, f32, i32, kernel, sync_threads, thread

BLOCK = 32


@kernel(block=BLOCK, requires=lambda a, out: len(a) == len(out))
def copy(a: Slice[f32], out: DisjointSlice[f32], mirrored: i32):
    tile = SharedArray(f32, BLOCK)
    t, i = thread.x, thread.index_1d()
    value = a[i] if i < len(a) else 0.0
    if mirrored != 0:
        tile[t] = value
        sync_threads()
        value = tile[BLOCK - 1 - t]
    if i < len(out):
        out[i] = value
