"""Swizzles each place by a bit of its own number, which makes odd ones even."""
# launch: grid=1, block=64, a=64, out=64

from oxide import DisjointSlice, SharedArray, Slice, f32, kernel, sync_threads, thread


@kernel(block=64, domain=1)
def swizzled(a: Slice[f32], out: DisjointSlice[f32]):
    tile = SharedArray(f32, 64)
    t, i = thread.x, thread.index_1d()
    tile[t] = 0.0
    sync_threads()
    tile[t ^ (t & 1)] = a[i] if i < len(a) else 0.0  # error: [OX104]
    sync_threads()
    if i < len(out):
        out[i] = tile[t]
