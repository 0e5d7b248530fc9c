"""Four elements per thread, a grid apart: neighbouring threads stay neighbours in memory."""
# launch: grid=2, block=8, a=60, out=60
# launch: grid=1, block=8, a=7, out=7

from oxide import DisjointSlice, Slice, block_dim, f32, grid_dim, kernel, thread


@kernel
def negate(a: Slice[f32], out: DisjointSlice[f32]):
    for c in range(4):
        i = thread.index_1d() + c * grid_dim.x * block_dim.x
        if i < len(out):
            out[i] = -a[i]
