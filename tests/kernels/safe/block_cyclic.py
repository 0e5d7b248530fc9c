"""Block-cyclic layout: block b takes the pieces b, b + grid, b + 2·grid, … of one block's length."""
# launch: grid=2, block=16, a=100, out=100
# launch: grid=3, block=8, a=20, out=30

from oxide import DisjointSlice, Slice, block, block_dim, f32, grid_dim, kernel, thread


@kernel(requires=lambda a, out: len(out) >= len(a))
def scale(a: Slice[f32], out: DisjointSlice[f32]):
    pieces = (len(a) + block_dim.x - 1) // block_dim.x
    piece = block.x
    while piece < pieces:
        i = piece * block_dim.x + thread.x
        if i < len(a):
            out[i] = 2.0 * a[i]
        piece += grid_dim.x
