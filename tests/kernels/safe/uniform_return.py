"""Blocks without work leave together: no barrier waits for them."""
# launch: grid=3, block=32, a=64, out=64, blocks=2
# launch: grid=1, block=32, a=20, out=20, blocks=0

from oxide import DisjointSlice, SharedArray, Slice, block, f32, i32, kernel, sync_threads, thread

BLOCK = 32


@kernel(block=BLOCK, requires=lambda a, out: len(a) == len(out))
def reverse(a: Slice[f32], out: DisjointSlice[f32], blocks: i32):
    tile = SharedArray(f32, BLOCK)
    if block.x >= blocks:
        return
    t, i = thread.x, thread.index_1d()
    tile[t] = a[i] if i < len(a) else 0.0
    sync_threads()
    if i < len(out):
        out[i] = tile[BLOCK - 1 - t]
