"""Each warp turns a tile of its own round, ordered by `sync_warp` alone."""
# launch: grid=1, block=128, a=100, out=100
# launch: grid=2, block=128, a=200, out=200

from oxide import DisjointSlice, SharedArray, Slice, f32, kernel, sync_warp, thread, warp

BLOCK = 128


@kernel(block=BLOCK, domain=1, requires=lambda a, out: len(a) == len(out))
def reversed_in_warps(a: Slice[f32], out: DisjointSlice[f32]):
    tile = SharedArray(f32, (BLOCK // 32, 32))
    t, i = thread.x, thread.index_1d()
    mine = t // 32
    tile[mine, warp.lane] = a[i] if i < len(a) else 0.0
    sync_warp()
    turned = tile[mine, 31 - warp.lane]
    sync_warp()
    tile[mine, warp.lane] = turned * 2.0
    sync_warp()
    if i < len(out):
        out[i] = tile[mine, (warp.lane + 1) % 32]
