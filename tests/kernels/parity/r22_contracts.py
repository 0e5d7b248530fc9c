"""R22: contracts that contradict themselves, or are none."""

from oxide import DisjointSlice, f32, kernel, thread


@kernel(bloc=32)  # error: [OX002] "bloc"
def unknown_field(out: DisjointSlice[f32]):
    if thread.index_1d() < len(out):
        out[thread.index_1d()] = 1.0


@kernel(domain=4)  # error: [OX404]
def no_such_domain(out: DisjointSlice[f32]):
    if thread.index_1d() < len(out):
        out[thread.index_1d()] = 1.0


@kernel(block=(16, 16), domain=1)  # error: [OX404]
def block_beyond_domain(out: DisjointSlice[f32]):
    if thread.index_1d() < len(out):
        out[thread.index_1d()] = 1.0


@kernel(requires=lambda out: len(out) > 8 and len(out) < 4)  # error: [OX403]
def no_launch(out: DisjointSlice[f32]):
    out[thread.index_1d()] = 1.0
