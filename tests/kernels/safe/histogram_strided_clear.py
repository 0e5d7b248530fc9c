"""More bins than threads: each thread clears and adds every block-th bin."""
# launch: grid=2, block=32, values=100, bins=100
# launch: grid=1, block=32, values=5, bins=120

from oxide import AtomicSlice, SharedArray, Slice, atomic, grid_stride, i32, kernel, sync_threads, thread

BLOCK = 32
BINS = 100


@kernel(block=BLOCK, requires=lambda bins: len(bins) >= BINS)
def histogram(values: Slice[i32], bins: AtomicSlice[i32]):
    counts = SharedArray(i32, BINS)
    for b in range(thread.x, BINS, BLOCK):
        counts[b] = 0
    sync_threads()
    for i in grid_stride(len(values)):
        v = values[i]
        if 0 <= v < BINS:
            atomic.add(counts, v, 1)
    sync_threads()
    for b in range(thread.x, BINS, BLOCK):
        atomic.add(bins, b, counts[b])
