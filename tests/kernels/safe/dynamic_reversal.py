"""A block reversed through shared memory whose size the launch chooses."""
# launch: grid=2, block=16, a=30, out=30, shared=64
# launch: grid=1, block=5, a=3, out=3, shared=40

from oxide import DisjointSlice, Slice, block_dim, dynamic_shared, f32, kernel, sync_threads, thread


@kernel(domain=1, requires=lambda a, out: len(a) == len(out))
def reversed_blocks(a: Slice[f32], out: DisjointSlice[f32]):
    tile = dynamic_shared(f32)
    t, i = thread.x, thread.index_1d()
    tile[t] = a[i] if i < len(a) else 0.0
    sync_threads()
    if i < len(out):
        out[i] = tile[block_dim.x - 1 - t]
