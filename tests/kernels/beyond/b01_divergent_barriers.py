"""B01, B13: barriers that not all threads reach; the model compiles every one of them."""

from oxide import DisjointSlice, SharedArray, Slice, f32, kernel, sync_threads, thread

BLOCK = 64


@kernel(block=BLOCK)
def in_a_branch(out: DisjointSlice[f32]):
    tile = SharedArray(f32, BLOCK)
    tile[thread.x] = 1.0
    if thread.x < 32:
        sync_threads()  # error: [OX201]
    if thread.index_1d() < len(out):
        out[thread.index_1d()] = tile[thread.x]


@kernel(block=BLOCK)
def behind_a_return(a: Slice[f32], out: DisjointSlice[f32]):
    tile = SharedArray(f32, BLOCK)
    i = thread.index_1d()
    tile[thread.x] = a[i] if i < len(a) else 0.0  # also: [OX104]
    if i >= len(out):
        return  # error: [OX202]
    sync_threads()
    out[i] = tile[BLOCK - 1 - thread.x]


@kernel(block=BLOCK)
def in_a_loop_of_its_own(a: Slice[f32], out: DisjointSlice[f32]):
    tile = SharedArray(f32, BLOCK)
    i = thread.index_1d()
    total = 0.0
    while i < len(a):
        tile[thread.x] = a[i]
        sync_threads()  # error: [OX201]
        total += tile[BLOCK - 1 - thread.x]
        sync_threads()  # also: [OX201]
        i += 1 + thread.x
    if thread.index_1d() < len(out):
        out[thread.index_1d()] = total
