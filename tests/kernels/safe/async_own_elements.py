"""What a thread has copied itself it reads behind its own wait, without a barrier."""
# launch: grid=2, block=16, a=64, out=32
# launch: grid=1, block=32, a=64, out=10

from oxide import (
    DisjointSlice,
    SharedArray,
    Slice,
    async_commit,
    async_copy,
    async_wait,
    f32,
    kernel,
    thread,
)


@kernel(max_threads=256, requires=lambda a, out: len(a) >= 2 * len(out))
def add_pairs(a: Slice[f32], out: DisjointSlice[f32]):
    tile = SharedArray(f32, 512)
    t, i = thread.x, thread.index_1d()
    if i < len(out):
        async_copy(tile, 2 * t, a, 2 * i, 2)
        async_commit()
        async_wait()
        out[i] = tile[2 * t] + tile[2 * t + 1]
