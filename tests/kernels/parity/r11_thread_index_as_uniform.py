"""R11: what differs between threads, taken for what all of them share."""

from oxide import DisjointSlice, SharedArray, f32, kernel, sync_threads, thread

BLOCK = 64


@kernel(block=BLOCK)
def trips(out: DisjointSlice[f32]):
    tile = SharedArray(f32, BLOCK)
    tile[thread.x] = 1.0
    for _ in range(thread.x % 4):
        sync_threads()  # error: [OX201]
    if thread.index_1d() < len(out):
        out[thread.index_1d()] = tile[thread.x]
