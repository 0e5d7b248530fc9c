"""One thread stores, all threads load behind the barrier."""
# launch: grid=2, block=32, a=2, out=64
# launch: grid=1, block=16, a=1, out=10

from oxide import DisjointSlice, SharedArray, Slice, block, f32, grid_dim, kernel, sync_threads, thread


@kernel(requires=lambda a: len(a) >= grid_dim.x)
def spread(a: Slice[f32], out: DisjointSlice[f32]):
    chosen = SharedArray(f32, 1)
    if thread.x == 0:
        chosen[0] = a[block.x]
    sync_threads()
    i = thread.index_1d()
    if i < len(out):
        out[i] = chosen[0]
