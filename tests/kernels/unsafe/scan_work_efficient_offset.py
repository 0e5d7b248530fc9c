"""The same scan with the offset halved after its use: one step of the tree too far to the right."""
# launch: grid=1, block=16, a=32, out=32

from oxide import DisjointSlice, SharedArray, Slice, block, f32, kernel, sync_threads, thread

HALF = 16
SIZE = 2 * HALF


@kernel(block=HALF)
def exclusive_scan(a: Slice[f32], out: DisjointSlice[f32]):
    tile = SharedArray(f32, SIZE)
    t = thread.x
    first = block.x * SIZE + 2 * t
    tile[2 * t] = a[first] if first < len(a) else 0.0
    tile[2 * t + 1] = a[first + 1] if first + 1 < len(a) else 0.0

    offset = 1
    active = SIZE >> 1
    while active > 0:
        sync_threads()
        if t < active:
            left = offset * (2 * t + 1) - 1
            right = offset * (2 * t + 2) - 1
            tile[right] += tile[left]
        offset *= 2
        active >>= 1

    if t == 0:
        tile[SIZE - 1] = 0.0
    active = 1
    while active < SIZE:
        sync_threads()
        if t < active:
            left = offset * (2 * t + 1) - 1
            right = offset * (2 * t + 2) - 1
            held = tile[left]  # also: [OX302] # also: [OX301]
            tile[left] = tile[right]  # error: [OX301] # also: [OX301]
            tile[right] += held  # also: [OX301]
        offset >>= 1
        active *= 2
    sync_threads()

    if first < len(out):
        out[first] = tile[2 * t]
    if first + 1 < len(out):
        out[first + 1] = tile[2 * t + 1]
