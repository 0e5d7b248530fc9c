"""Operators as values, which hide nothing."""

import operator

import numpy as np

from numba import cuda


@cuda.jit(device=True)
def applied(op, a, b):
    return op(a, b)


@cuda.jit
def shifted(x, out):
    i = applied(operator.add, cuda.grid(1), 1)
    out[i] = operator.getitem(x, i - 1)  # error: [OX301] "out[128]"


@cuda.jit
def halved(x, out):
    i = cuda.grid(1)
    operator.setitem(out, operator.floordiv(i, 2), x[i])  # error: [OX102]


shifted[2, 64](np.zeros(128), np.zeros(128))
halved[2, 64](np.zeros(128), np.zeros(128))
