"""Softmax without the barrier between its reductions: the first result is overwritten unread."""
# launch: grid=1, block=256, x=(1, 300), y=(1, 300)

import math

from oxide import DisjointSlice2D, SharedArray, Slice2D, block, f32, kernel, sync_threads, thread

BLOCK = 256


@kernel(
    block=BLOCK,
    requires=lambda x, y: (
        y.shape[0] == x.shape[0] and y.shape[1] == x.shape[1] and x.shape[1] >= 1
    ),
)
def softmax(x: Slice2D[f32], y: DisjointSlice2D[f32]):
    part = SharedArray(f32, BLOCK)
    t, row = thread.x, block.x
    rows, cols = x.shape
    if row >= rows:
        return

    top = x[row, 0]
    for j in range(t, cols, BLOCK):
        top = max(top, x[row, j])
    part[t] = top
    sync_threads()
    stride = BLOCK // 2
    while stride > 0:
        if t < stride:
            part[t] = max(part[t], part[t + stride])
        sync_threads()
        stride //= 2
    top = part[0]

    total = 0.0
    for j in range(t, cols, BLOCK):
        total += math.exp(x[row, j] - top)
    part[t] = total  # error: [OX104]
    sync_threads()
    stride = BLOCK // 2
    while stride > 0:
        if t < stride:
            part[t] += part[t + stride]
        sync_threads()
        stride //= 2

    scale = 1.0 / part[0]
    for j in range(t, cols, BLOCK):
        y[row, j] = math.exp(x[row, j] - top) * scale
