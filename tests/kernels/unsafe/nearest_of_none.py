"""The nearest of n centres, where there may be none: then the first is still the nearest."""
# launch: grid=1, block=4, far=0, hits=0, out=4

from oxide import AtomicSlice, DisjointSlice, Slice, atomic, f32, i32, kernel, thread, u32


@kernel(requires=lambda far, hits: len(hits) == len(far))
def nearest(far: Slice[f32], hits: AtomicSlice[u32], out: DisjointSlice[i32]):
    i = thread.index_1d()
    if i >= len(out):
        return
    best = 0
    for c in range(len(far)):
        if far[c] < far[best]:
            best = c
    atomic.add(hits, best, 1)  # error: [OX301]
    out[i] = i32(best)
