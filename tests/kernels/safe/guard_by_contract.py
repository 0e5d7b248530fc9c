"""No guard: the contract ties the length to the grid."""
# launch: grid=2, block=64, out=128
# launch: grid=1, block=32, out=40

from oxide import DisjointSlice, block_dim, f32, grid_dim, kernel, thread


@kernel(requires=lambda out: len(out) >= grid_dim.x * block_dim.x)
def index(out: DisjointSlice[f32]):
    i = thread.index_1d()
    out[i] = f32(i)
