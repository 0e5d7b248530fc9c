"""The nearest of n centres; where there is none the first counts, so that there must be one."""
# launch: grid=1, block=4, far=3, hits=3, out=4
# launch: grid=2, block=2, far=1, hits=1, out=3

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
    atomic.add(hits, best, 1)
    out[i] = i32(best)
