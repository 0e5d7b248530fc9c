"""The nearest of n centres, each lane looking at every 32nd, and how often it is hit."""
# launch: grid=2, block=32, far=[4, 2, 7, 1, 1, 9], hits=6, out=64
# launch: grid=1, block=32, far=70, hits=70, out=20

from oxide import AtomicSlice, DisjointSlice, Slice, atomic, f32, i32, kernel, thread, u32


@kernel(block=32, domain=1, requires=lambda far, hits: len(hits) >= len(far))
def nearest(far: Slice[f32], hits: AtomicSlice[u32], out: DisjointSlice[i32]):
    lane = thread.x
    best = -1
    for c in range(lane, len(far), 32):
        if best < 0 or far[c] < far[best]:
            best = c
    if best >= 0:
        atomic.add(hits, best, 1)
    i = thread.index_1d()
    if i < len(out):
        out[i] = i32(best)
