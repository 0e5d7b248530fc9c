"""A loop with barriers may run no time at all: a barrier behind it keeps its two sides apart."""
# launch: grid=1, block=32, a=32, out=32, rounds=0
# launch: grid=2, block=32, a=50, out=50, rounds=2

from oxide import DisjointSlice, SharedArray, Slice, f32, i32, kernel, sync_threads, thread

BLOCK = 32


@kernel(block=BLOCK, requires=lambda a, out: len(a) == len(out))
def rotate(a: Slice[f32], out: DisjointSlice[f32], rounds: i32):
    tile = SharedArray(f32, BLOCK)
    t, i = thread.x, thread.index_1d()
    tile[t] = a[i] if i < len(a) else 0.0
    for _ in range(rounds):
        sync_threads()
        value = tile[t + 1] if t + 1 < BLOCK else tile[0]
        sync_threads()
        tile[t] = value
    sync_threads()
    if i < len(out):
        out[i] = tile[BLOCK - 1 - t]
