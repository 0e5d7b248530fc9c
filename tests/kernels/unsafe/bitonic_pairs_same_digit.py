"""Pairs of a bitonic step with the digit left out: neighbouring threads take each other's places."""
# launch: grid=1, block=16, keys=32

from oxide import DisjointSlice, SharedArray, block, i32, kernel, sync_threads, thread

PAIRS = 16
ITEMS = 2 * PAIRS


@kernel(block=PAIRS)
def sort_blocks(keys: DisjointSlice[i32]):
    tile = SharedArray(i32, ITEMS)
    t = thread.x
    base = block.x * ITEMS
    for i in range(t, ITEMS, PAIRS):
        tile[i] = keys[base + i] if base + i < len(keys) else 2147483647
    sync_threads()

    size = 2
    while size <= ITEMS:
        stride = size // 2
        while stride > 0:
            low = stride * (t // stride) + t % stride
            high = low + stride
            ascending = low & size == 0
            if (tile[low] > tile[high]) == ascending:  # also: [OX104]
                tile[low], tile[high] = tile[high], tile[low]  # error: [OX104] # also: [OX104]
            sync_threads()
            stride //= 2
        size *= 2

    for i in range(t, ITEMS, PAIRS):
        if base + i < len(keys):
            keys[base + i] = tile[i]
