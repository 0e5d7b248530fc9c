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


@cuda.jit
def defaulted(out, n):
    if cuda.grid(1) == 0:
        out[n or 100] = 1  # error: [OX301] "out[100]"


@cuda.jit
def shared_place(out):
    i = cuda.grid(1)
    out[i and 7] = i  # error: [OX102] "out[7]"


@cuda.jit
def chosen_row(x, out, other):
    i = cuda.grid(1)
    out[i] = x[i] or other[i]  # error: [OX301] "`other` has 64"


defaulted[1, 64](np.zeros(64), 0)
shared_place[1, 64](np.zeros(64))
chosen_row[1, 128](np.zeros(128), np.zeros(128), np.zeros(64))
