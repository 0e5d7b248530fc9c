"""A grid-stride loop as `while`, with `continue`: the index is carried round the loop."""
# launch: grid=2, block=32, a=100, out=100
# launch: grid=1, block=8, a=30, out=30

from oxide import DisjointSlice, Slice, block_dim, f32, grid_dim, kernel, thread


@kernel(requires=lambda a, out: len(a) == len(out))
def keep_positive(a: Slice[f32], out: DisjointSlice[f32]):
    i = thread.index_1d()
    while i < len(a):
        if a[i] <= 0.0:
            out[i] = 0.0
            i += block_dim.x * grid_dim.x
            continue
        out[i] = a[i]
        i += block_dim.x * grid_dim.x
