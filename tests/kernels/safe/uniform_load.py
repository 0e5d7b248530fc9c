"""What a read-only slice holds at the block's index is the same for all its threads."""
# launch: grid=2, block=32, a=(2, 40), lengths=[40, 3], out=2
# launch: grid=3, block=32, a=(2, 5), lengths=[0, 9], out=2

from oxide import DisjointSlice, SharedArray, Slice, Slice2D, block, f32, i32, kernel, sync_threads, thread

BLOCK = 32


@kernel(block=BLOCK, requires=lambda a, lengths, out: len(lengths) == a.shape[0] and len(out) == a.shape[0])
def ragged_sum(a: Slice2D[f32], lengths: Slice[i32], out: DisjointSlice[f32]):
    tile = SharedArray(f32, BLOCK)
    t, row = thread.x, block.x
    if row >= len(lengths):
        return
    length = min(lengths[row], a.shape[1])
    total = 0.0
    for start in range(0, length, BLOCK):
        tile[t] = a[row, start + t] if start + t < length else 0.0
        sync_threads()
        if t == 0:
            for k in range(BLOCK):
                total += tile[k]
        sync_threads()
    if t == 0:
        out[row] = total
