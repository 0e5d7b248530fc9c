"""Keep what is above the mean of its block: a sum, then the place of each that is kept."""
# launch: grid=2, block=(8, 5), a=(10, 8), kept=80, counts=2
# launch: grid=1, block=(33, 2, 1), a=(2, 33), kept=66, counts=1

from oxide import DisjointSlice, Slice2D, block, block_dim, f32, grid_dim, i32, kernel, thread, warp


@kernel(
    requires=lambda a, kept, counts: len(counts) >= grid_dim.x
    and len(kept) == grid_dim.x * block_dim.x * block_dim.y
    and grid_dim.y == 1
    and block_dim.z == 1
)
def above_mean(a: Slice2D[f32], kept: DisjointSlice[i32], counts: DisjointSlice[i32]):
    row = block.x * block_dim.y + thread.y
    inside = row < a.shape[0] and thread.x < a.shape[1]
    v = a[row, thread.x] if inside else 0.0
    held = block.reduce_add(i32(inside))
    mean = block.reduce_add(v) / f32(max(held, 1))
    keep = inside and v > mean
    rank = block.scan_add(i32(keep), exclusive=True)
    place = thread.x + block_dim.x * thread.y
    kept[block.x * block_dim.x * block_dim.y + place] = rank if keep else -1
    if warp.index == 0 and warp.lane == 0:
        counts[block.x] = held
