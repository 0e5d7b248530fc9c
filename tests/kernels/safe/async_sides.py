"""Two sides that change places by `side = 1 - side`."""
# launch: grid=1, block=16, a=64, out=16, n=4
# launch: grid=1, block=16, a=40, out=16, n=2

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


@kernel(block=BLOCK, requires=lambda a, n: len(a) >= BLOCK * n and n >= 1)
def sum_of_mirrored(a: Slice[f32], out: DisjointSlice[f32], n: int):
    tile = SharedArray(f32, (2, BLOCK))
    t, i = thread.x, thread.index_1d()
    side = 0
    async_copy(tile, (side, t), a, t, 1)
    async_commit()
    total = 0.0
    for k in range(1, n):
        async_copy(tile, (1 - side, t), a, k * BLOCK + t, 1)
        async_commit()
        async_wait(1)
        sync_threads()
        total += tile[side, BLOCK - 1 - t]
        sync_threads()
        side = 1 - side
    async_wait()
    sync_threads()
    total += tile[side, BLOCK - 1 - t]
    if i < len(out):
        out[i] = total
