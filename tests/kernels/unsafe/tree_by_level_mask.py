"""The mask of the level below: twice as many threads work, and read what a neighbour writes."""
# launch: grid=1, block=64, a=100, out=2

from oxide import DisjointSlice, SharedArray, Slice, block, f32, grid_dim, kernel, sync_threads, thread

BLOCK, LEVELS = 64, 6


@kernel(block=BLOCK, requires=lambda out: len(out) >= grid_dim.x)
def block_min(a: Slice[f32], out: DisjointSlice[f32]):
    tile = SharedArray(f32, BLOCK)
    t, i = thread.x, thread.index_1d()
    tile[t] = a[i] if i < len(a) else 1.0e30
    for d in range(LEVELS):
        sync_threads()
        step = 1 << d
        if t & (step - 1) == 0 and t + step < BLOCK:
            tile[t] = min(tile[t], tile[t + step])  # error: [OX104]
    if t == 0:
        out[block.x] = tile[0]
