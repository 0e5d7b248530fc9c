"""Rounds until nothing changes, where the count is cleared while others still read it."""
# launch: grid=1, block=32, a=[3, 1, 2, 9, 4], out=5

from oxide import DisjointSlice, SharedArray, Slice, atomic, i32, kernel, sync_threads, thread

BLOCK = 32


@kernel(block=BLOCK, requires=lambda a, out: len(a) == len(out))
def spread_largest(a: Slice[i32], out: DisjointSlice[i32]):
    tile = SharedArray(i32, BLOCK)
    changes = SharedArray(i32, 1)
    t, i = thread.x, thread.index_1d()
    tile[t] = a[i] if i < len(a) else 0
    for _ in range(BLOCK):
        if t == 0:
            changes[0] = 0  # error: [OX104]
        sync_threads()  # also: [OX201]
        largest = max(tile[t], tile[t - 1] if t > 0 else 0)
        sync_threads()  # also: [OX201]
        if largest != tile[t]:
            tile[t] = largest
            atomic.add(changes, 0, 1)
        sync_threads()  # also: [OX201]
        if changes[0] == 0:
            break
    if i < len(out):
        out[i] = tile[t]
