"""Behind the last barrier a thread may leave when it likes."""
# launch: grid=2, block=32, a=50, out=50
# launch: grid=1, block=32, a=3, out=3

from oxide import DisjointSlice, SharedArray, Slice, f32, kernel, sync_threads, thread

BLOCK = 32


@kernel(block=BLOCK)
def next_one(a: Slice[f32], out: DisjointSlice[f32]):
    tile = SharedArray(f32, BLOCK)
    t, i = thread.x, thread.index_1d()
    tile[t] = a[i] if i < len(a) else 0.0
    sync_threads()
    if t == BLOCK - 1 or i >= len(out):
        return
    out[i] = tile[t + 1]
