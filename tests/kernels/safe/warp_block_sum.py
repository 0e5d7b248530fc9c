"""A sum of a block in two steps: each warp by shuffles, then the first warp over the totals."""
# launch: grid=2, block=256, a=400, out=2
# launch: grid=1, block=256, a=3, out=2

from oxide import DisjointSlice, SharedArray, Slice, block, f32, grid_dim, kernel
from oxide import sync_threads, thread, warp

BLOCK = 256
WARPS = BLOCK // 32


@kernel(block=BLOCK, domain=1, requires=lambda out: len(out) >= grid_dim.x)
def block_sum(a: Slice[f32], out: DisjointSlice[f32]):
    totals = SharedArray(f32, WARPS)
    t, i = thread.x, thread.index_1d()
    v = a[i] if i < len(a) else 0.0
    v += warp.shuffle_down(v, 16)
    v += warp.shuffle_down(v, 8)
    v += warp.shuffle_down(v, 4)
    v += warp.shuffle_down(v, 2)
    v += warp.shuffle_down(v, 1)
    if warp.lane == 0:
        totals[t // 32] = v
    sync_threads()
    if t < 32:
        total = totals[warp.lane] if warp.lane < WARPS else 0.0
        total = warp.reduce_add(total)
        if t == 0:
            out[block.x] = total
