"""Four blocks share a sum, but their atomics reach the two of a cluster only."""
# launch: grid=4, block=32, a=100, sums=1

from oxide import AtomicSlice, Slice, atomic, block, f32, grid_dim, kernel, thread


@kernel(cluster=2, domain=1, requires=lambda sums: 4 * len(sums) >= grid_dim.x)
def sums_of_fours(a: Slice[f32], sums: AtomicSlice[f32]):
    i = thread.index_1d()
    total = block.reduce_add(a[i] if i < len(a) else 0.0)
    if thread.x == 0:
        atomic.add(sums, block.x // 4, total, scope="cluster")  # error: [OX107] "within a cluster"
