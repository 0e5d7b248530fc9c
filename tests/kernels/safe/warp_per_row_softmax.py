"""Softmax of rows, a warp for each: three passes, joined by reductions that give to every lane."""
# launch: grid=1, block=128, a=(3, 40), out=(3, 40)
# launch: grid=2, block=128, a=(7, 5), out=(7, 5)

import math

from oxide import DisjointSlice2D, Slice2D, f32, kernel, thread, warp

WARPS = 4


@kernel(
    block=32 * WARPS,
    domain=1,
    requires=lambda a, out: a.shape[0] == out.shape[0] and a.shape[1] == out.shape[1],
)
def softmax(a: Slice2D[f32], out: DisjointSlice2D[f32]):
    row = thread.index_1d() // 32
    if row >= a.shape[0]:
        return
    top = -math.inf
    for col in range(warp.lane, a.shape[1], 32):
        top = max(top, a[row, col])
    top = warp.reduce_max(top)
    total = 0.0
    for col in range(warp.lane, a.shape[1], 32):
        total += math.exp(a[row, col] - top)
    total = warp.reduce_add(total)
    for col in range(warp.lane, a.shape[1], 32):
        out[row, col] = math.exp(a[row, col] - top) / total
