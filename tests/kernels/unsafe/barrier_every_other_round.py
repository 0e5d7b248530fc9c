"""A barrier in every other round: the rounds without one read while others write."""
# launch: grid=1, block=32, out=50

from oxide import DisjointSlice, SharedArray, f32, kernel, sync_threads, thread

BLOCK = 32


@kernel(block=BLOCK)
def rounds(out: DisjointSlice[f32]):
    tile = SharedArray(f32, BLOCK)
    t, i = thread.x, thread.index_1d()
    tile[t] = 0.0
    sync_threads()
    total = 0.0
    for k in range(4):
        if k % 2 == 0:
            sync_threads()
        total += tile[BLOCK - 1 - t]
        if k % 2 == 0:
            sync_threads()
        tile[t] = total  # error: [OX104]
    if i < len(out):
        out[i] = total
