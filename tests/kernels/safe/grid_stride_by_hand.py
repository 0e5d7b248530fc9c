"""The same loop written with `range`: the step is a product of two launch-uniform numbers."""
# launch: grid=2, block=32, a=100
# launch: grid=3, block=8, a=25

from oxide import DisjointSlice, block_dim, f32, grid_dim, kernel, thread


@kernel
def double(a: DisjointSlice[f32]):
    step = block_dim.x * grid_dim.x
    for i in range(thread.index_1d(), len(a), step):
        a[i] *= 2.0
