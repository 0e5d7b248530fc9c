"""B08: atomics that protect from too few, and flags that publish nothing."""

from oxide import AtomicSlice, DisjointSlice, Slice, atomic, block, f32, grid_dim, kernel, thread, u32


@kernel(requires=lambda bins: len(bins) >= 1)
def scope_of_a_block(a: Slice[f32], bins: AtomicSlice[u32]):
    if thread.index_1d() < len(a):
        atomic.add(bins, 0, 1, scope="block")  # error: [OX107]


@kernel(
    domain=1,
    requires=lambda data, flags, out: len(data) >= grid_dim.x
    and len(flags) >= grid_dim.x
    and len(out) >= grid_dim.x,
)
def relaxed_flag(data: DisjointSlice[f32], flags: AtomicSlice[u32], out: DisjointSlice[f32]):
    if thread.x == 0:
        data[block.x] = block.x * 1.0  # error: "data[0]"
        atomic.store(flags, block.x, 1)
        if block.x > 0 and atomic.load(flags, block.x - 1) != 0:
            out[block.x] = data[block.x - 1]
