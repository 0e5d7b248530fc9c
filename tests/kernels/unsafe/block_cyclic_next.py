"""Each round goes on to the next piece instead of the next of its own: blocks meet."""
# launch: grid=2, block=16, a=100, out=100

from oxide import DisjointSlice, Slice, block, block_dim, f32, kernel, thread


@kernel(requires=lambda a, out: len(out) >= len(a))
def scale(a: Slice[f32], out: DisjointSlice[f32]):
    pieces = (len(a) + block_dim.x - 1) // block_dim.x
    piece = block.x
    while piece < pieces:
        i = piece * block_dim.x + thread.x
        if i < len(a):
            out[i] = 2.0 * a[i]  # error: [OX105]
        piece += 1
