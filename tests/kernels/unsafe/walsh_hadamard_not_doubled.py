"""A butterfly whose spans are not two lengths apart: the upper half of one is the next one's lower."""
# launch: grid=1, block=16, a=32, out=32

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
    while span < HALF:
        k = t & (span - 1)
        at = t - k + k
        x, y = tile[at], tile[at + span]  # also: [OX104]
        tile[at] = x + y  # also: [OX104]
        tile[at + span] = x - y  # error: [OX104]
        sync_threads()
        span *= 2
    if base + t < len(out):
        out[base + t] = tile[t]
