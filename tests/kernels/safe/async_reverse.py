"""Four elements a copy; who reads them waits, then meets the others."""
# launch: grid=2, block=16, a=128, out=128
# launch: grid=3, block=16, a=100, out=90

from oxide import (
    DisjointSlice,
    SharedArray,
    Slice,
    async_commit,
    async_copy,
    async_wait,
    block,
    f32,
    kernel,
    sync_threads,
    thread,
)

BLOCK = 16
TILE = 4 * BLOCK


@kernel(block=BLOCK, requires=lambda a, out: len(a) >= len(out))
def reverse(a: Slice[f32], out: DisjointSlice[f32]):
    tile = SharedArray(f32, TILE)
    t, base = thread.x, block.x * TILE
    if base + TILE <= len(out):
        async_copy(tile, 4 * t, a, base + 4 * t, 4)
        async_commit()
        async_wait()
        sync_threads()
        for j in range(4):
            out[base + BLOCK * j + t] = tile[TILE - 1 - BLOCK * j - t]
