"""R33: an intrinsic under another name is that intrinsic, and is judged as such.

The model refuses it; here names are followed by what they mean.
"""

from oxide import DisjointSlice, SharedArray, f32, kernel, sync_threads, thread

BLOCK = 64


@kernel(block=BLOCK)
def renamed(out: DisjointSlice[f32]):
    tile = SharedArray(f32, BLOCK)
    wait = sync_threads
    tile[thread.x] = thread.x * 1.0
    wait()
    if thread.index_1d() < len(out):
        out[thread.index_1d()] = tile[BLOCK - 1 - thread.x]


@kernel(block=BLOCK)
def renamed_under_a_guard(out: DisjointSlice[f32]):
    wait = sync_threads
    if thread.x == 0:
        wait()  # error: [OX201]
    if thread.index_1d() < len(out):
        out[thread.index_1d()] = 1.0
