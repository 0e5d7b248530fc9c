"""R10: a width of rows that each thread chooses for itself."""

from oxide import DisjointSlice, f32, kernel, thread


@kernel(block=(8, 8), requires=lambda out: len(out) >= 1000)
def ragged(out: DisjointSlice[f32]):
    width = 8 + thread.y % 2
    out[thread.y * width + thread.x] = thread.x * 1.0  # error: [OX102]
