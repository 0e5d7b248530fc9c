"""Kernels as they are written for Numba, which the tests run through `oxide.numba`."""

# pyright: basic

from __future__ import annotations

import operator

import numpy as np

from oxide.numba import cuda, float32

FACTOR = 3
SCALE = np.float32(0.1)


@cuda.jit
def scaled(x, out, by):
    i = cuda.grid(1)
    if i < out.shape[0]:
        out[i] = x[i] * by + FACTOR


@cuda.jit
def unguarded(out):
    out[cuda.grid(1)] = 1


@cuda.jit
def clashing(x, out):
    i = cuda.grid(1)
    if i < x.size:
        out[i // 2] = x[i]


@cuda.jit
def shifted(x, out):
    i = cuda.grid(1)
    if i < x.size:
        out[i] = x[i - 1]


@cuda.jit
def block_total(x, out):
    cache = cuda.shared.array(64, float32)
    t = cuda.threadIdx.x
    cache[t] = x[cuda.grid(1)] if cuda.grid(1) < x.size else 0.0
    cuda.syncthreads()
    step = 32
    while step > 0:
        if t < step:
            cache[t] += cache[t + step]
        cuda.syncthreads()
        step //= 2
    if t == 0:
        out[cuda.blockIdx.x] = cache[0]


def make(operation, offset):
    @cuda.jit
    def apply(x, out):
        i = cuda.grid(1)
        if i < x.size:
            out[i] = operation(x[i]) + offset * SCALE

    return apply


@cuda.jit(device=True)
def square(x):
    return x * x


halved = cuda.jit(device=True)(lambda x: x / 2)


@cuda.jit("void(float32[:], float64, int32)")
def declared(x, factor, n):
    i = cuda.grid(1)
    if i < n:
        x[i] *= factor


@cuda.jit
def of_tuple(sizes, out):
    i = cuda.grid(1)
    if i < out.size:
        out[i] = sizes[0] * i + sizes[1]


@cuda.jit
def unknown_call(x):
    x[0] = np.linalg.norm(x)


@cuda.jit(unproved="refuse")
def refused(x, out):
    i = cuda.grid(1)
    if i < x.size:
        out[i // 2] = x[i]


@cuda.jit
def copied(source, target):
    i = cuda.grid(1)
    if i < source.size:
        target[i] = source[i] + 1


@cuda.jit
def numbered(x):
    i, j = cuda.grid(2)
    if i < x.shape[0] and j < x.shape[1]:
        x[i, j] += 10 * i + j


@cuda.jit
def spoken(x):
    i = cuda.grid(1)
    if i == 1:
        print("x is", x[i], i)


@cuda.jit(debug=True)
def divided(x, by):
    x[cuda.grid(1)] //= by


@cuda.jit
def looked_up(x, by, out):
    i = cuda.grid(1)
    if i < out.size:
        out[i] = x[i % by]


@cuda.jit(device=True)
def applied(op, a, b):
    return op(a, b)


def made_of(op, of):
    @cuda.jit
    def kernel(x, y, out):
        i = cuda.grid(1)
        if i < out.size and i < x.size and i < y.size:
            out[i] = of(op(x[i], y[i]))

    return kernel


def gathered(op):
    @cuda.jit
    def kernel(x, out):
        i = cuda.grid(1)
        if i < x.size:
            op(out, 0, x[i])

    return kernel


@cuda.jit
def operators(x, out):
    i = cuda.grid(1)
    if i < out.size and i < x.size:
        operator.setitem(out, i, 3)
        if operator.lt(1, x[i]) and not operator.not_(x[i]):
            v = applied(operator.mul, x[i], operator.getitem(x, i))
            out[i] = operator.add(applied(operator.add, x[i], v), applied(min, x[i], 9) + 1)


@cuda.jit
def deciding(x, out):
    i = cuda.grid(1)
    out[i] = (x[i] or 63) + (i and 7) * 100 + (x[i] > 1 and i > 2) * 1000
