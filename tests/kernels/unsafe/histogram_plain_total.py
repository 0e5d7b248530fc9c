"""The histogram that adds to the total without atomics: blocks lose each other's counts."""
# launch: grid=2, block=256, values=300, bins=256

from oxide import DisjointSlice, SharedArray, Slice, atomic, grid_stride, i32, kernel, sync_threads, thread

BINS = 256


@kernel(block=BINS, requires=lambda bins: len(bins) >= BINS)
def histogram(values: Slice[i32], bins: DisjointSlice[i32]):
    counts = SharedArray(i32, BINS)
    t = thread.x
    counts[t] = 0
    sync_threads()
    for i in grid_stride(len(values)):
        v = values[i]
        if 0 <= v < BINS:
            atomic.add(counts, v, 1)
    sync_threads()
    bins[t] += counts[t]  # error: [OX105]
