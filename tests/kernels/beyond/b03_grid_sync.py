"""B03: a barrier of the whole grid in a launch that may not have all its blocks at once."""

from oxide import DisjointSlice, Slice, block, f32, grid_dim, grid_sync, kernel, thread


@kernel(requires=lambda a, out: len(a) == len(out))
def not_cooperative(a: Slice[f32], out: DisjointSlice[f32]):
    i = thread.index_1d()
    if i < len(out):
        out[i] = a[i]
    grid_sync()  # error: [OX204]


@kernel(cooperative=True, requires=lambda a, out: len(a) == len(out))
def in_one_block(a: Slice[f32], out: DisjointSlice[f32]):
    i = thread.index_1d()
    if i < len(out):
        out[i] = a[i]
    if block.x == 0:
        grid_sync()  # error: [OX201]


@kernel(
    domain=1,
    cooperative=True,
    requires=lambda a, b, c: len(a) == len(b) and len(b) == len(c),
)
def in_all(a: Slice[f32], b: DisjointSlice[f32], c: DisjointSlice[f32]):
    i = thread.index_1d()
    if i < len(a):
        b[i] = a[i]
    grid_sync()
    if i < len(a):
        c[i] = b[len(a) - 1 - i]
