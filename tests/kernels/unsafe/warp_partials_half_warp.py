"""Sixteen lanes make no warp: two threads that both have lane 0 write one partial."""
# launch: grid=1, block=128, a=200, out=2

from oxide import DisjointSlice, SharedArray, Slice, block, f32, grid_dim, kernel, sync_threads, thread

BLOCK = 128
WARPS = BLOCK // 32


@kernel(block=BLOCK, requires=lambda out: len(out) >= grid_dim.x)
def block_max(a: Slice[f32], out: DisjointSlice[f32]):
    values = SharedArray(f32, BLOCK)
    partial = SharedArray(f32, WARPS)
    t, i = thread.x, thread.index_1d()
    lane, warp = t & 15, t >> 5
    values[t] = a[i] if i < len(a) else -1.0e30
    sync_threads()
    if lane == 0:
        best = values[32 * warp]
        for k in range(1, 32):
            best = max(best, values[(warp << 5) | k])
        partial[warp] = best  # error: [OX104]
    sync_threads()
    if t == 0:
        best = partial[0]
        for w in range(1, WARPS):
            best = max(best, partial[w])
        out[block.x] = best
