"""R08: an index that goes through shared memory, where another thread picks it up."""

from oxide import DisjointSlice, SharedArray, f32, i64, kernel, sync_threads, thread

BLOCK = 64


@kernel(block=BLOCK)
def laundered(out: DisjointSlice[f32]):
    mine = SharedArray(i64, 1)
    if thread.x == 0:
        mine[0] = thread.index_1d()
    sync_threads()
    if mine[0] < len(out):
        out[mine[0]] = thread.x * 1.0  # error: [OX102]


@kernel(block=BLOCK)
def of_its_neighbour(out: DisjointSlice[f32]):
    index = SharedArray(i64, BLOCK)
    index[thread.x] = thread.index_1d()  # error: [OX104]
    i = index[(thread.x + 1) % BLOCK]
    if 0 <= i < len(out):
        out[i] = 1.0  # also: "out"
