"""A loop with barriers that may run no time at all: then nothing lies between store and load."""
# launch: grid=1, block=32, a=32, out=32, rounds=0

from oxide import DisjointSlice, SharedArray, Slice, f32, i32, kernel, sync_threads, thread

BLOCK = 32


@kernel(block=BLOCK, requires=lambda a, out: len(a) == len(out))
def mirrored(a: Slice[f32], out: DisjointSlice[f32], rounds: i32):
    tile = SharedArray(f32, BLOCK)
    t, i = thread.x, thread.index_1d()
    value = a[i] if i < len(a) else 0.0
    tile[t] = value  # error: [OX104]
    for _ in range(rounds):
        sync_threads()
    if i < len(out):
        out[i] = tile[BLOCK - 1 - t]  # also: [OX303]
