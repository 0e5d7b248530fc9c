"""B06, B07: a slice that every thread holds for itself to change."""

from oxide import DisjointSlice, f32, kernel, thread


@kernel(requires=lambda out: len(out) >= 1)
def everybody_first(out: DisjointSlice[f32]):
    out[0] = thread.x * 1.0  # error: [OX102]


@kernel(requires=lambda out: len(out) >= 1)
def counted(out: DisjointSlice[f32]):
    out[0] += 1.0  # error: [OX102]
