"""A barrier orders global memory within a block as well: read, wait, write."""
# launch: grid=2, block=64, a=128
# launch: grid=1, block=64, a=70

from oxide import DisjointSlice, block, f32, grid_dim, kernel, sync_threads, thread

BLOCK = 64


@kernel(block=BLOCK, requires=lambda a: len(a) >= BLOCK * grid_dim.x)
def reverse(a: DisjointSlice[f32]):
    t, base = thread.x, block.x * BLOCK
    value = a[base + BLOCK - 1 - t]
    sync_threads()
    a[base + t] = value
