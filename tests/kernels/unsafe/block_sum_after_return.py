"""Threads behind the data return, and with them whole warps, before the block adds up."""
# launch: grid=1, block=64, a=20, out=1

from oxide import DisjointSlice, Slice, block, f32, grid_dim, kernel, thread


@kernel(domain=1, requires=lambda out: len(out) >= grid_dim.x)
def sums(a: Slice[f32], out: DisjointSlice[f32]):
    i = thread.index_1d()
    if i >= len(a):
        return  # error: [OX202] "before `block.reduce_add` on line 12"
    total = block.reduce_add(a[i])
    if thread.x == 0:
        out[block.x] = total
