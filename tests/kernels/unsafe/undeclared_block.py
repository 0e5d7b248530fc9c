"""A shared array of 256 elements and a block of any size: nothing says it has no more threads."""
# launch: grid=1, block=512, a=600, out=600

from oxide import DisjointSlice, SharedArray, Slice, f32, kernel, sync_threads, thread


@kernel(requires=lambda a, out: len(a) == len(out))
def previous(a: Slice[f32], out: DisjointSlice[f32]):
    tile = SharedArray(f32, 256)
    t, i = thread.x, thread.index_1d()
    tile[t] = a[i] if i < len(a) else 0.0  # error: [OX301]
    sync_threads()
    if t > 0 and i < len(out):
        out[i] = tile[t - 1]  # also: [OX301]
