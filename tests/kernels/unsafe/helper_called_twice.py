"""A reduction whose helper does not wait at its end: the second call overwrites the first's result."""
# launch: grid=1, block=32, a=50, low=1, high=1

from oxide import (
    DisjointSlice,
    SharedArray,
    Slice,
    block,
    device,
    f32,
    grid_dim,
    kernel,
    sync_threads,
    thread,
)

BLOCK = 32


@device
def largest(part: SharedArray[f32], value: f32) -> f32:
    t = thread.x
    part[t] = value  # error: [OX104]
    sync_threads()
    stride = BLOCK // 2
    while stride > 0:
        if t < stride:
            part[t] = max(part[t], part[t + stride])
        sync_threads()
        stride //= 2
    return part[0]


@kernel(block=BLOCK, requires=lambda low, high: len(low) >= grid_dim.x and len(high) >= grid_dim.x)
def extremes(a: Slice[f32], low: DisjointSlice[f32], high: DisjointSlice[f32]):
    part = SharedArray(f32, BLOCK)
    i = thread.index_1d()
    value = a[i] if i < len(a) else 0.0
    top = largest(part, value)
    bottom = -largest(part, -value)
    if thread.x == 0:
        low[block.x], high[block.x] = bottom, top
