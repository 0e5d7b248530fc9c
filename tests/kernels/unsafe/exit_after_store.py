"""A thread that leaves behind its store: its exit orders nothing, so the barrier does not help."""
# launch: grid=1, block=32, a=50, out=50

from oxide import DisjointSlice, SharedArray, Slice, f32, kernel, sync_threads, thread

BLOCK = 32


@kernel(block=BLOCK, requires=lambda a, out: len(a) == len(out))
def mirrored(a: Slice[f32], out: DisjointSlice[f32]):
    tile = SharedArray(f32, BLOCK)
    t, i = thread.x, thread.index_1d()
    tile[t] = a[i] if i < len(a) else 0.0  # also: [OX104]
    if t >= BLOCK // 2:
        return  # error: [OX202]
    sync_threads()
    if i < len(out):
        out[i] = tile[BLOCK - 1 - t]
