"""An inclusive scan of a block: within each warp, then of the totals of the warps."""
# launch: grid=1, block=512, a=500, out=500
# launch: grid=2, block=512, a=600, out=600

from oxide import DisjointSlice, SharedArray, Slice, i32, kernel, sync_threads, thread, warp

BLOCK = 512
WARPS = BLOCK // 32


@kernel(block=BLOCK, requires=lambda a, out: len(a) == len(out))
def scan(a: Slice[i32], out: DisjointSlice[i32]):
    totals = SharedArray(i32, WARPS)
    t, i = thread.x, thread.index_1d()
    mine = warp.scan_add(a[i] if i < len(a) else 0)
    if warp.lane == 31:
        totals[t // 32] = mine
    sync_threads()
    if t < 32:
        below = totals[t] if t < WARPS else 0
        below = warp.scan_add(below, exclusive=True)
        if t < WARPS:
            totals[t] = below
    sync_threads()
    if i < len(out):
        out[i] = mine + totals[t // 32]
