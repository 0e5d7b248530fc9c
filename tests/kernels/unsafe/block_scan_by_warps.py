"""Only some warps come to a scan of the block."""
# launch: grid=1, block=96, out=96

from oxide import DisjointSlice, block, i32, kernel, thread, warp


@kernel(domain=1)
def ranks(out: DisjointSlice[i32]):
    i = thread.index_1d()
    rank = 0
    if warp.index % 2 == 0:
        rank = block.scan_add(1)  # error: [OX201] "waits at `block.scan_add`"
    if i < len(out):
        out[i] = i32(rank)
