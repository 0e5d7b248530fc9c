"""Bitonic sort in shared memory: `t ^ j` pairs threads, the lower of each pair works for both."""
# launch: grid=1, block=32, a=32
# launch: grid=2, block=32, a=64

from oxide import DisjointSlice, SharedArray, f32, grid_dim, kernel, sync_threads, thread

BLOCK = 32


@kernel(block=BLOCK, requires=lambda a: len(a) >= BLOCK * grid_dim.x)
def sort_blocks(a: DisjointSlice[f32]):
    tile = SharedArray(f32, BLOCK)
    t, i = thread.x, thread.index_1d()
    tile[t] = a[i]
    sync_threads()
    k = 2
    while k <= BLOCK:
        j = k // 2
        while j > 0:
            partner = t ^ j
            if partner > t:
                x, y = tile[t], tile[partner]
                if (x > y) == (t & k == 0):
                    tile[t], tile[partner] = y, x
            sync_threads()
            j //= 2
        k *= 2
    a[i] = tile[t]
