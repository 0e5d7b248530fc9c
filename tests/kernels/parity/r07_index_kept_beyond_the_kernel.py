"""R07: keeping an index where the next launch finds it."""

from oxide import DisjointSlice, f32, kernel, thread

LAST = 0


@kernel
def kept(out: DisjointSlice[f32]):
    global LAST  # error: [OX002]
    LAST = thread.index_1d()
    if thread.index_1d() < len(out):
        out[thread.index_1d()] = 1.0
