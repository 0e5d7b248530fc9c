"""Two chunks ahead in a ring of three: one barrier a round says that both are done."""
# launch: grid=1, block=16, a=96, out=16, n=6
# launch: grid=1, block=16, a=16, out=10, n=1

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


@kernel(block=BLOCK, requires=lambda a, out, n: len(a) >= BLOCK * n and n >= 0)
def convolve(a: Slice[f32], out: DisjointSlice[f32], n: int):
    tile = SharedArray(f32, (3, BLOCK))
    t, i = thread.x, thread.index_1d()
    for stage in range(2):
        if stage < n:
            async_copy(tile, (stage, t), a, stage * BLOCK + t, 1)
        async_commit()
    total = 0.0
    for k in range(n):
        async_wait(1)
        sync_threads()
        if k + 2 < n:
            async_copy(tile, ((k + 2) % 3, t), a, (k + 2) * BLOCK + t, 1)
        async_commit()
        for j in range(BLOCK):
            total += tile[k % 3, (t + j) % BLOCK] * f32(j)  # warning: [OX903]
    if i < len(out):
        out[i] = total
