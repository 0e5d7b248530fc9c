"""A block whose last warp has 16 lanes: what the others would give is undefined."""
# launch: grid=1, block=240, a=400, out=2

from oxide import DisjointSlice, SharedArray, Slice, block, f32, grid_dim, kernel
from oxide import sync_threads, thread, warp

BLOCK = 240
WARPS = 8


@kernel(block=BLOCK, domain=1, requires=lambda out: len(out) >= grid_dim.x)
def block_sum(a: Slice[f32], out: DisjointSlice[f32]):
    totals = SharedArray(f32, WARPS)
    t, i = thread.x, thread.index_1d()
    v = a[i] if i < len(a) else 0.0
    v += warp.shuffle_down(v, 16)  # error: [OX303]
    v += warp.shuffle_down(v, 8)  # also: [OX303]
    v += warp.shuffle_down(v, 4)  # also: [OX303]
    v += warp.shuffle_down(v, 2)  # also: [OX303]
    v += warp.shuffle_down(v, 1)  # also: [OX303]
    if warp.lane == 0:
        totals[t // 32] = v
    sync_threads()
    if t < 32:
        total = totals[warp.lane] if warp.lane < WARPS else 0.0
        total = warp.reduce_add(total)
        if t == 0:
            out[block.x] = total
