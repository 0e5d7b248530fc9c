"""Kernels of the tests of operations."""

from oxide import DisjointSlice, Slice, f32, i32, i64, injective, kernel, thread, within


@kernel(requires=lambda a, b, c: len(a) >= len(c) and len(b) >= len(c))
def vecadd(a: Slice[f32], b: Slice[f32], c: DisjointSlice[f32]):
    """`c = a + b`."""
    i = thread.index_1d()
    if i < len(c):
        c[i] = a[i] + b[i]


@kernel
def checked(index: Slice[i32], out: DisjointSlice[i32]):
    """`out = index`, with an assertion that is checked at run time."""
    i = thread.index_1d()
    if i < len(out) and i < len(index):
        assert index[i] < 4000, "too large"
        out[i] = index[i]


@kernel(requires=lambda index, out: injective(index) and within(index, 0, len(out)))
def scatter(index: Slice[i32], a: Slice[f32], out: DisjointSlice[f32]):
    """`out[index] = a`."""
    i = thread.index_1d()
    if i < len(a) and i < len(index):
        out[index[i]] = a[i]


@kernel
def spin(rounds: i64, out: DisjointSlice[f32]):
    """Takes as long as it is told."""
    i = thread.index_1d()
    if i < len(out):
        x = f32(0.0)
        for k in range(rounds):
            x = x * 0.5 + f32(k & 7)
        out[i] = x
