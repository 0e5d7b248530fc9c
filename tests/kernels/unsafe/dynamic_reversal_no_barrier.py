"""Dynamic shared memory is shared memory."""
# launch: grid=2, block=16, a=30, out=30, shared=64

from oxide import DisjointSlice, Slice, block_dim, dynamic_shared, f32, kernel, thread


@kernel(domain=1, requires=lambda a, out: len(a) == len(out))
def reversed_blocks(a: Slice[f32], out: DisjointSlice[f32]):
    tile = dynamic_shared(f32)
    t, i = thread.x, thread.index_1d()
    tile[t] = a[i] if i < len(a) else 0.0  # error: [OX104]
    if i < len(out):
        out[i] = tile[block_dim.x - 1 - t]  # also: [OX303]
