"""A bin is what the data says, whatever it says."""
# launch: grid=1, block=128, a=[1, 70, 3], bins=64

from oxide import AtomicSlice, SharedArray, Slice, atomic, i32, kernel, sync_threads, thread, u32

BLOCK = 128
WARPS = BLOCK // 32
BINS = 64


@kernel(block=BLOCK, domain=1, requires=lambda bins: len(bins) == BINS)
def histogram(a: Slice[i32], bins: AtomicSlice[u32]):
    counts = SharedArray(u32, (WARPS, BINS))
    t, i = thread.x, thread.index_1d()
    for k in range(t, WARPS * BINS, BLOCK):
        counts[k // BINS, k % BINS] = 0
    sync_threads()
    if i < len(a):
        bin = a[i]
        atomic.add(counts, (t // 32, bin), 1, scope="block")  # error: [OX301]
    sync_threads()
    if t < BINS:
        total = counts[0, t]
        for w in range(1, WARPS):
            total += counts[w, t]
        atomic.add(bins, t, total)
