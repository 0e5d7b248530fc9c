"""R15: numbers that are wrong in the source already."""

from oxide import DisjointSlice, LocalArray, f32, kernel, thread


@kernel
def beyond(out: DisjointSlice[f32]):
    few = LocalArray(f32, 4)
    for k in range(4):
        few[k] = 0.0
    if thread.index_1d() < len(out):
        out[thread.index_1d()] = few[4]  # error: [OX301]


@kernel(block=0)  # error: [OX404]
def nobody(out: DisjointSlice[f32]):
    if thread.index_1d() < len(out):
        out[thread.index_1d()] = 1.0


@kernel(block=2048)  # error: [OX404]
def too_many(out: DisjointSlice[f32]):
    if thread.index_1d() < len(out):
        out[thread.index_1d()] = 1.0
