"""The largest of each chunk, added up chunk by chunk: scratch that a loop uses again."""
# launch: grid=2, block=40, a=100, out=2
# launch: grid=1, block=64, a=3, out=1

from oxide import DisjointSlice, Slice, block, block_dim, f32, grid_dim, kernel, thread


@kernel(requires=lambda a, out: len(out) >= grid_dim.x and len(a) >= 1)
def sum_of_tops(a: Slice[f32], out: DisjointSlice[f32]):
    total = 0.0
    for first in range(block.x * block_dim.x, len(a), grid_dim.x * block_dim.x):
        i = first + thread.x
        total += block.reduce_max(a[i] if i < len(a) else a[first])
    if thread.x == 0:
        out[block.x] = total
