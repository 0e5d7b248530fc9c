"""saxpy whose stride is the block and not the grid: every block walks over the ones behind it."""
# launch: grid=2, block=64, alpha=2.0, x=200, y=200

from oxide import DisjointSlice, Slice, block_dim, f32, kernel, thread


@kernel
def saxpy(alpha: f32, x: Slice[f32], y: DisjointSlice[f32]):
    for i in range(thread.index_1d(), len(y), block_dim.x):
        y[i] = alpha * x[i] + y[i]  # error: [OX105]
