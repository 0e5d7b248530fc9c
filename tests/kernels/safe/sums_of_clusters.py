"""One sum for each pair of blocks that run as a cluster, by atomics that reach no further."""
# launch: grid=4, block=32, a=100, sums=2
# launch: grid=2, block=96, a=150, sums=1

from oxide import AtomicSlice, Slice, atomic, block, f32, grid_dim, kernel, thread


@kernel(cluster=2, domain=1, requires=lambda sums: 2 * len(sums) >= grid_dim.x)
def sums_of_pairs(a: Slice[f32], sums: AtomicSlice[f32]):
    i = thread.index_1d()
    total = block.reduce_add(a[i] if i < len(a) else 0.0)
    if thread.x == 0:
        atomic.add(sums, block.x // 2, total, scope="cluster")
