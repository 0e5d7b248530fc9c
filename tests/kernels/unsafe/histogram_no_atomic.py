"""The histogram with a plain `+=`: threads that hit the same bin lose each other's counts."""
# launch: grid=1, block=256, values=300, bins=256

from oxide import AtomicSlice, SharedArray, Slice, atomic, grid_stride, i32, kernel, sync_threads, thread

BINS = 256


@kernel(block=BINS, requires=lambda bins: len(bins) >= BINS)
def histogram(values: Slice[i32], bins: AtomicSlice[i32]):
    counts = SharedArray(i32, BINS)
    t = thread.x
    counts[t] = 0
    sync_threads()
    for i in grid_stride(len(values)):
        v = values[i]
        if 0 <= v < BINS:
            counts[v] += 1  # error: [OX104]
    sync_threads()
    atomic.add(bins, t, counts[t])
