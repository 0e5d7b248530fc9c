"""Kernels of the tests, in a module of their own as a user's would be."""

from oxide import (
    DisjointSlice,
    Slice,
    device,
    f32,
    grid_dim,
    i32,
    i64,
    injective,
    kernel,
    thread,
    within,
)

FACTOR = 2
SHIFT = 0.5


@kernel(requires=lambda a, b, c: len(a) >= len(c) and len(b) >= len(c))
def vecadd(a: Slice[f32], b: Slice[f32], c: DisjointSlice[f32]):
    i = thread.index_1d()
    if i < len(c):
        c[i] = a[i] + b[i]


@device
def scaled(v: f32) -> f32:
    return v * FACTOR


@kernel
def scale(a: DisjointSlice[f32]):
    i = thread.index_1d()
    if i < len(a):
        a[i] = scaled(a[i]) + SHIFT


@kernel(requires=lambda x, y: len(x) >= len(y))
def axpy(a: f32, x: Slice[f32], y: DisjointSlice[f32]):
    i = thread.index_1d()
    if i < len(y):
        y[i] = a * x[i] + y[i]


@kernel
def gather(index: Slice[i32], a: Slice[f32], out: DisjointSlice[f32]):
    i = thread.index_1d()
    if i < len(out) and i < len(index):
        out[i] = a[index[i]]


@kernel(requires=lambda index, out: injective(index) and within(index, 0, len(out)))
def scatter(index: Slice[i32], a: Slice[f32], out: DisjointSlice[f32]):
    i = thread.index_1d()
    if i < len(a) and i < len(index):
        out[index[i]] = a[i]


@kernel
def divide(a: DisjointSlice[i64], d: i64 = 2):
    i = thread.index_1d()
    if i < len(a):
        a[i] = a[i] // d


@kernel(block=64, domain=1, requires=lambda out: len(out) >= grid_dim.x)
def first(out: DisjointSlice[f32], value: f32):
    if thread.x == 0 and thread.index_1d() // 64 < len(out):
        out[thread.index_1d() // 64] = value


def power(exponent: int):
    @kernel
    def raised(a: DisjointSlice[f32]):
        i = thread.index_1d()
        if i < len(a):
            v = 1.0
            for _ in range(exponent):
                v *= a[i]
            a[i] = v

    return raised


@kernel
def refused(a: DisjointSlice[f32]):
    a[thread.index_1d()] = [1.0]


@kernel
def writes_read_only(a: Slice[f32], out: DisjointSlice[f32]):
    a[0] = 1.0
