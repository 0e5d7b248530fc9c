"""Operators and functions of libraries as values."""

import operator
from math import hypot
from operator import add, mul

from numba import cuda


@cuda.jit(device=True)
def applied(op, a, b):
    return op(a, b)


@cuda.jit
def combined(x, y, out):
    i = cuda.grid(1)
    if operator.lt(i, min(out.size, x.size)) and i < y.size:
        out[i] = applied(add, x[i], applied(hypot, y[i], 1)) * applied(max, x[i], 0)
        operator.setitem(out, i, operator.getitem(out, i) + operator.neg(x[i]))


@cuda.jit
def gathered(x, place, total):
    i = add(mul(cuda.blockIdx.x, cuda.blockDim.x), cuda.threadIdx.x)
    if i < x.size and total.size > 0:
        change(cuda.atomic.add, total, x[i])


@cuda.jit(device=True)
def change(op, total, value):
    op(total, 0, value)


@cuda.jit
def defaulted(x, out, size):
    i = cuda.grid(1)
    n = (size and min(size, out.size)) or out.size
    if i < n and i < x.size:
        out[i] = x[i] or -1


@cuda.jit
def guarded(x, out):
    i = cuda.grid(1)
    inside = i < x.size and x[i]
    if not (i >= out.size or i >= x.size) and inside:
        out[i] = 1
