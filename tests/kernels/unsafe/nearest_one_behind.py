"""Keeps the centre behind the nearest, which the last does not have."""
# launch: grid=1, block=32, far=[3.0, 2.0, 1.0], hits=3, out=4

from oxide import AtomicSlice, DisjointSlice, Slice, atomic, f32, i32, kernel, thread, u32


@kernel(block=32, domain=1, requires=lambda far, hits: len(hits) >= len(far))
def nearest(far: Slice[f32], hits: AtomicSlice[u32], out: DisjointSlice[i32]):
    best = 0
    for c in range(thread.x, len(far), 32):
        if far[c] < 1.5:
            best = c + 1
    if best > 0:
        atomic.add(hits, best, 1)  # error: [OX301]
    i = thread.index_1d()
    if i < len(out):
        out[i] = i32(best)
