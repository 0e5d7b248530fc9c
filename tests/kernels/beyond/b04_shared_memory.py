"""B04: shared memory, which the model leaves to `unsafe` and to luck."""

from oxide import DisjointSlice, SharedArray, Slice, f32, kernel, sync_threads, thread

BLOCK = 128


@kernel(block=BLOCK)
def read_after_write(a: Slice[f32], out: DisjointSlice[f32]):
    tile = SharedArray(f32, BLOCK)
    i = thread.index_1d()
    tile[thread.x] = a[i] if i < len(a) else 0.0  # error: [OX104]
    if i < len(out):
        out[i] = tile[BLOCK - 1 - thread.x]  # also: "tile"


@kernel(block=BLOCK)
def write_after_read(a: Slice[f32], out: DisjointSlice[f32]):
    tile = SharedArray(f32, BLOCK)
    i = thread.index_1d()
    tile[thread.x] = a[i] if i < len(a) else 0.0
    sync_threads()
    seen = tile[BLOCK - 1 - thread.x]
    tile[thread.x] = seen + 1.0  # error: [OX104]
    if i < len(out):
        out[i] = seen


@kernel(block=BLOCK)
def one_cell_for_all(a: Slice[f32], out: DisjointSlice[f32]):
    total = SharedArray(f32, 1)
    if thread.x == 0:
        total[0] = 0.0
    sync_threads()
    if thread.index_1d() < len(a):
        total[0] += a[thread.index_1d()]  # error: [OX104]
    sync_threads()
    if thread.x == 0 and thread.index_1d() < len(out):
        out[thread.index_1d()] = total[0]


@kernel(block=BLOCK)
def never_written(out: DisjointSlice[f32]):
    tile = SharedArray(f32, BLOCK)
    if thread.x < BLOCK - 1:
        tile[thread.x] = 1.0
    sync_threads()
    if thread.index_1d() < len(out):
        out[thread.index_1d()] = tile[thread.x]  # error: [OX303]


@kernel(block=BLOCK)
def behind_its_end(out: DisjointSlice[f32]):
    tile = SharedArray(f32, BLOCK)
    tile[thread.x + 1] = 1.0  # error: [OX301]
    if thread.x == 0 and thread.index_1d() < len(out):
        out[thread.index_1d()] = 0.0
