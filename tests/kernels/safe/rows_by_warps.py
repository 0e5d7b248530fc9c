"""A matrix times a vector: each warp takes rows in turn, its lanes the columns in strides of 32."""
# launch: grid=2, block=64, m=(9, 40), v=40, out=9
# launch: grid=1, block=64, m=(1, 3), v=3, out=1

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
    for first in range(block.x * WARPS, rows, grid_dim.x * WARPS):
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
            out[row] = total
        sync_threads()
