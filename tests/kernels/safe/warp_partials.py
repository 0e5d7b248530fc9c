"""Digits of the thread: warp `t >> 5` sums by lane `t & 31`, then one warp sums the warps."""
# launch: grid=2, block=128, a=200, out=2
# launch: grid=1, block=128, a=1, out=1

from oxide import DisjointSlice, SharedArray, Slice, block, f32, grid_dim, kernel, sync_threads, thread

BLOCK = 128
WARPS = BLOCK // 32


@kernel(block=BLOCK, requires=lambda out: len(out) >= grid_dim.x)
def block_max(a: Slice[f32], out: DisjointSlice[f32]):
    values = SharedArray(f32, BLOCK)
    partial = SharedArray(f32, WARPS)
    t, i = thread.x, thread.index_1d()
    lane, warp = t & 31, t >> 5
    values[t] = a[i] if i < len(a) else -1.0e30
    sync_threads()
    if lane == 0:  # hint: [OX603]
        best = values[32 * warp]
        for k in range(1, 32):
            best = max(best, values[(warp << 5) | k])
        partial[warp] = best
    sync_threads()
    if t == 0:
        best = partial[0]
        for w in range(1, WARPS):
            best = max(best, partial[w])
        out[block.x] = best
