"""How far the nearest of the centres before a thread's own lies back; the first has none."""
# launch: grid=1, block=4, far=4, hits=4

from oxide import AtomicSlice, Slice, atomic, f32, kernel, thread, u32


@kernel(requires=lambda far, hits: len(hits) == len(far))
def nearest(far: Slice[f32], hits: AtomicSlice[u32]):
    i = thread.index_1d()
    if i >= len(far):
        return
    best = 0
    for c in range(i):
        if far[c] < far[best]:
            best = c
    atomic.add(hits, i - 1 - best, 1)  # error: [OX301]
