"""Different threads work in different intervals: a barrier lies between any two of them."""
# launch: grid=1, block=32, out=32
# launch: grid=2, block=32, out=50

from oxide import DisjointSlice, SharedArray, f32, kernel, sync_threads, thread

BLOCK = 32


@kernel(block=BLOCK)
def waves(out: DisjointSlice[f32]):
    cell = SharedArray(f32, 1)
    t, i = thread.x, thread.index_1d()
    if t == 0:
        cell[0] = 1.0
    sync_threads()
    for k in range(1, 4):
        if t == k:
            cell[0] += f32(k)
        sync_threads()
    if i < len(out):
        out[i] = cell[0]
