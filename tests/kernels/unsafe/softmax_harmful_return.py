"""Softmax whose threads without a column leave: the tree reads the maxima that they never stored."""
# launch: grid=1, block=256, x=(1, 100), y=(1, 100)

import math

from oxide import DisjointSlice2D, SharedArray, Slice2D, block, f32, kernel, sync_threads, thread

BLOCK = 256


@kernel(
    block=BLOCK,
    requires=lambda x, y: y.shape[0] == x.shape[0] and y.shape[1] == x.shape[1],
)
def softmax(x: Slice2D[f32], y: DisjointSlice2D[f32]):
    part = SharedArray(f32, BLOCK)
    t, row = thread.x, block.x
    rows, cols = x.shape
    if row >= rows:
        return
    if t >= cols:
        return  # error: [OX202]

    top = x[row, t]
    for j in range(t, cols, BLOCK):
        top = max(top, x[row, j])
    part[t] = top
    sync_threads()
    stride = BLOCK // 2
    while stride > 0:
        if t < stride:
            part[t] = max(part[t], part[t + stride])  # also: [OX303]
        sync_threads()
        stride //= 2
    top = part[0]

    for j in range(t, cols, BLOCK):
        y[row, j] = math.exp(x[row, j] - top)
