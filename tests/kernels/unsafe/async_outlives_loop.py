"""The last group of the loop is still under way behind it."""
# launch: grid=1, block=16, a=64, out=16, n=4

from oxide import (
    DisjointSlice,
    SharedArray,
    Slice,
    async_commit,
    async_copy,
    async_wait,
    f32,
    kernel,
    sync_threads,
    thread,
)

BLOCK = 16


@kernel(block=BLOCK, requires=lambda a, out, n: len(a) >= BLOCK * n and n >= 1)
def convolve(a: Slice[f32], out: DisjointSlice[f32], n: int):
    tile = SharedArray(f32, (2, BLOCK))
    t, i = thread.x, thread.index_1d()
    for k in range(n):
        async_copy(tile, (k % 2, t), a, k * BLOCK + t, 1)
        async_commit()
        async_wait(1)
        sync_threads()
    if i < len(out):
        out[i] = tile[(n + 1) % 2, BLOCK - 1 - t]  # error: [OX207]
