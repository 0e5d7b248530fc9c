"""What no group holds is not waited for."""
# launch: grid=1, block=16, a=16, out=16

from oxide import (
    DisjointSlice,
    SharedArray,
    Slice,
    async_copy,
    async_wait,
    f32,
    kernel,
    sync_threads,
    thread,
)

BLOCK = 16


@kernel(block=BLOCK, requires=lambda a, out: len(a) >= len(out))
def reverse(a: Slice[f32], out: DisjointSlice[f32]):
    tile = SharedArray(f32, BLOCK)
    t, i = thread.x, thread.index_1d()
    if (i // BLOCK + 1) * BLOCK <= len(out):
        async_copy(tile, t, a, i, 1)
        async_wait()
        sync_threads()
        out[i] = tile[BLOCK - 1 - t]  # error: [OX207]
