"""R25: what is no kernel."""

from oxide import DisjointSlice, f32, kernel, thread


@kernel
def gives_a_value(out: DisjointSlice[f32]) -> f32:  # error: [OX002]
    return out[0]  # error: [OX002]


@kernel
def many(*outs: DisjointSlice[f32]):  # error: [OX002]
    pass


@kernel
def unannotated(out):  # error: [OX005]
    out[thread.index_1d()] = 1.0
