"""Blocks advance by one row, warps take two: neighbouring blocks write the same rows."""
# launch: grid=2, block=64, m=(9, 40), v=40, out=9

from oxide import DisjointSlice, SharedArray, Slice, Slice2D, block, f32, grid_dim, kernel, sync_threads, thread

BLOCK = 64
WARPS = BLOCK // 32


@kernel(
    block=BLOCK,
    requires=lambda m, v, out: len(v) >= m.shape[1] and len(out) >= m.shape[0],
)
def multiply(m: Slice2D[f32], v: Slice[f32], out: DisjointSlice[f32]):
    partial = SharedArray(f32, (WARPS, 33))
    lane, warp = thread.x % 32, thread.x // 32
    rows, cols = m.shape
    for first in range(block.x, rows, grid_dim.x):
        row = first + warp
        total = 0.0
        if row < rows:
            for col in range(lane, cols, 32):
                total += m[row, col] * v[col]
        partial[warp, lane] = total
        sync_threads()
        if lane == 0 and row < rows:
            total = 0.0
            for k in range(32):
                total += partial[warp, k]
            out[row] = total  # error: [OX105] # also: [OX102]
        sync_threads()
