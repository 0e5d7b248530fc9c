"""The block that finishes last adds up what all have left; the counter is 0 again behind it."""
# launch: grid=3, block=128, a=300, partial=3, done=[0], out=1
# launch: grid=1, block=128, a=5, partial=2, done=[0], out=1

from oxide import AtomicSlice, DisjointSlice, SharedArray, Slice, atomic, block, f32, fence
from oxide import grid_dim, kernel, sync_threads, thread, u32, within

BLOCK = 128


@kernel(
    block=BLOCK,
    domain=1,
    requires=lambda partial, done, out: (
        len(partial) >= grid_dim.x and len(done) == 1 and within(done, 0, 1) and len(out) == 1
    ),
)
def total(
    a: Slice[f32], partial: DisjointSlice[f32], done: AtomicSlice[u32], out: DisjointSlice[f32]
):
    tile = SharedArray(f32, BLOCK)
    t, i = thread.x, thread.index_1d()
    tile[t] = a[i] if i < len(a) else 0.0
    sync_threads()
    stride = BLOCK // 2
    while stride > 0:
        if t < stride:
            tile[t] += tile[t + stride]
        sync_threads()
        stride //= 2
    if t == 0:
        partial[block.x] = tile[0]
        fence("device")
        ticket = atomic.inc(done, 0, u32(grid_dim.x - 1))
        if ticket == grid_dim.x - 1:
            fence("device")
            sum = 0.0
            for b in range(grid_dim.x):
                sum += partial[b]
            out[0] = sum
