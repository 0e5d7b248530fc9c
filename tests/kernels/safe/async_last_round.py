"""The last round has nothing behind it to leave under way, so it waits for all."""
# launch: grid=1, block=16, a=64, out=16, n=4
# launch: grid=2, block=16, a=16, out=32, n=1

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
    async_copy(tile, (0, t), a, t, 1)
    async_commit()
    total = 0.0
    for k in range(n):
        if k + 1 < n:
            async_copy(tile, ((k + 1) % 2, t), a, (k + 1) * BLOCK + t, 1)
            async_commit()
            async_wait(1)
        else:
            async_wait(0)
        sync_threads()
        for j in range(BLOCK):
            total += tile[k % 2, (t + j) % BLOCK] * f32(j)
        sync_threads()
    if i < len(out):
        out[i] = total
