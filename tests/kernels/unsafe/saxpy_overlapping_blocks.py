"""saxpy that places blocks one element too close: the last of one is the first of the next."""
# launch: grid=2, block=64, alpha=2.0, x=200, y=200

from oxide import DisjointSlice, Slice, block, block_dim, f32, kernel, thread


@kernel
def saxpy(alpha: f32, x: Slice[f32], y: DisjointSlice[f32]):
    i = block.x * (block_dim.x - 1) + thread.x
    if i < len(y):
        y[i] = alpha * x[i] + y[i]  # error: [OX105]
