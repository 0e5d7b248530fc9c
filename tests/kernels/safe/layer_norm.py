"""Mean and variance of a row by two trees that share their scratch, with barriers between."""
# launch: grid=2, block=32, x=(2, 40), y=(2, 40)
# launch: grid=1, block=32, x=(1, 3), y=(1, 3)

import math

from oxide import DisjointSlice2D, SharedArray, Slice2D, block, f32, kernel, sync_threads, thread

BLOCK = 32


@kernel(
    block=BLOCK,
    requires=lambda x, y: y.shape[0] == x.shape[0] and y.shape[1] == x.shape[1],
)
def layer_norm(x: Slice2D[f32], y: DisjointSlice2D[f32]):
    part = SharedArray(f32, BLOCK)
    t, row = thread.x, block.x
    if row >= x.shape[0]:
        return
    cols = x.shape[1]

    total = 0.0
    for j in range(t, cols, BLOCK):
        total += x[row, j]
    part[t] = total
    sync_threads()
    stride = BLOCK // 2
    while stride > 0:
        if t < stride:
            part[t] += part[t + stride]
        sync_threads()
        stride //= 2
    mean = part[0] / f32(cols)
    sync_threads()

    total = 0.0
    for j in range(t, cols, BLOCK):
        total += (x[row, j] - mean) * (x[row, j] - mean)
    part[t] = total
    sync_threads()
    stride = BLOCK // 2
    while stride > 0:
        if t < stride:
            part[t] += part[t + stride]
        sync_threads()
        stride //= 2
    scale = 1.0 / math.sqrt(part[0] / f32(cols) + 1.0e-5)

    for j in range(t, cols, BLOCK):
        y[row, j] = (x[row, j] - mean) * scale
