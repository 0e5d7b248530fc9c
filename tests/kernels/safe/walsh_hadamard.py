"""Walsh-Hadamard transform: in each round half as many spans of twice the length."""
# launch: grid=1, block=16, a=32, out=32
# launch: grid=2, block=16, a=40, out=64

from oxide import DisjointSlice, SharedArray, Slice, block, f32, kernel, sync_threads, thread

HALF = 16
SIZE = 2 * HALF


@kernel(block=HALF)
def transform(a: Slice[f32], out: DisjointSlice[f32]):
    tile = SharedArray(f32, SIZE)
    t = thread.x
    base = block.x * SIZE
    tile[t] = a[base + t] if base + t < len(a) else 0.0
    tile[t + HALF] = a[base + t + HALF] if base + t + HALF < len(a) else 0.0
    sync_threads()
    span = 1
    while span < SIZE:
        k = t & (span - 1)
        at = 2 * (t - k) + k
        x, y = tile[at], tile[at + span]
        tile[at] = x + y
        tile[at + span] = x - y
        sync_threads()
        span *= 2
    if base + t < len(out):
        out[base + t] = tile[t]
    if base + t + HALF < len(out):
        out[base + t + HALF] = tile[t + HALF]
