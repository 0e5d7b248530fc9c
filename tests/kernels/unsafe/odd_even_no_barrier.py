"""Odd-even sort without the barrier between its phases: pairs of two phases overlap."""
# launch: grid=1, block=16, a=[9, 1, 8, 2, 7, 3, 6, 4, 5, 0]

from oxide import DisjointSlice, SharedArray, block, i32, kernel, sync_threads, thread

BLOCK = 16
SIZE = 32


@kernel(block=BLOCK)
def sort_32(a: DisjointSlice[i32]):
    tile = SharedArray(i32, SIZE)
    t = thread.x
    if block.x > 0:
        return
    tile[t] = a[t] if t < len(a) else 1000
    tile[t + BLOCK] = a[t + BLOCK] if t + BLOCK < len(a) else 1000
    sync_threads()
    for phase in range(SIZE):
        i = 2 * t + phase % 2
        if i + 1 < SIZE:
            x, y = tile[i], tile[i + 1]
            # Each store races with the loads, and the two with each other.
            # error: [OX104] # error: [OX104] # error: [OX104]
            tile[i], tile[i + 1] = min(x, y), max(x, y)
    sync_threads()
    for i in range(t, SIZE, BLOCK):
        if i < len(a):
            a[i] = tile[i]
