"""The bitonic sort where both threads of a pair work: one compares what the other swaps."""
# launch: grid=1, block=32, a=32

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
            x = tile[partner]
            tile[t] = max(tile[t], x)  # error: [OX104]
            sync_threads()
            j //= 2
        k *= 2
    a[i] = tile[t]
