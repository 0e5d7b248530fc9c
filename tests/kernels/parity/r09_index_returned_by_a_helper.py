"""R09: a helper that gives an index back. The model forbids it; harmless here, and proved."""

from oxide import DisjointSlice, Slice, device, f32, kernel, thread


@device
def mine(offset: int) -> int:
    return thread.index_1d() + offset


@kernel
def copied(a: Slice[f32], out: DisjointSlice[f32]):
    i = mine(0)
    if i < len(out) and i < len(a):
        out[i] = a[i]


@kernel
def neighbours(out: DisjointSlice[f32]):
    if mine(thread.x) < len(out):
        out[mine(thread.x)] = thread.x * 1.0  # error: [OX105]
        out[mine(0)] = 2.0  # error: [OX102]
