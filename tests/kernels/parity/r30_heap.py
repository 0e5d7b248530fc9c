"""R30, R32: no heap, no exceptions, no text to format."""

from oxide import DisjointSlice, f32, kernel, thread


@kernel
def listed(out: DisjointSlice[f32]):
    values = [0.0, 1.0]  # error: [OX002]
    if thread.index_1d() < len(out):
        out[thread.index_1d()] = values[0]  # also: "values"


@kernel
def raises(out: DisjointSlice[f32]):
    if len(out) == 0:
        raise ValueError("empty")  # error: [OX002]
