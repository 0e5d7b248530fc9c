"""The histogram without its first barrier: a count may be set to zero after its first hit."""
# launch: grid=1, block=256, values=300, bins=256

from oxide import AtomicSlice, SharedArray, Slice, atomic, grid_stride, i32, kernel, sync_threads, thread

BINS = 256


@kernel(block=BINS, requires=lambda bins: len(bins) >= BINS)
def histogram(values: Slice[i32], bins: AtomicSlice[i32]):
    counts = SharedArray(i32, BINS)
    t = thread.x
    counts[t] = 0  # error: [OX106]
    for i in grid_stride(len(values)):
        v = values[i]
        if 0 <= v < BINS:
            atomic.add(counts, v, 1)  # also: [OX303]
    sync_threads()
    atomic.add(bins, t, counts[t])
