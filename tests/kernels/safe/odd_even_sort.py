"""Odd-even transposition sort: in each phase the pairs are disjoint. One block does it all."""
# launch: grid=1, block=16, a=20
# launch: grid=2, block=16, a=32

from oxide import DisjointSlice, SharedArray, block, f32, kernel, sync_threads, thread

BLOCK = 16
SIZE = 32


@kernel(block=BLOCK)
def sort_32(a: DisjointSlice[f32]):
    tile = SharedArray(f32, SIZE)
    t = thread.x
    if block.x > 0:
        return
    tile[t] = a[t] if t < len(a) else 1.0e30
    tile[t + BLOCK] = a[t + BLOCK] if t + BLOCK < len(a) else 1.0e30
    sync_threads()
    for phase in range(SIZE):
        i = 2 * t + phase % 2
        if i + 1 < SIZE:
            x, y = tile[i], tile[i + 1]
            if x > y:
                tile[i], tile[i + 1] = y, x
        sync_threads()
    for i in range(t, SIZE, BLOCK):
        if i < len(a):
            a[i] = tile[i]
