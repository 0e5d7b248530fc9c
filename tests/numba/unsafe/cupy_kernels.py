"""CuPy's kernels with a guard that is missing, with a sum that is no atomic one, and with indices
below zero, which there are in front of the array or, of unsigned numbers, far behind it."""

import cupy as cp
from cupyx import jit


@jit.rawkernel()
def scale(x, y):
    i = jit.blockIdx.x * jit.blockDim.x + jit.threadIdx.x
    y[i] = 2 * x[i]  # error: [OX301] "y[1000]"  # also:


@jit.rawkernel()
def total(x, out):
    i = jit.grid(1)
    if i < x.size:
        out[0] += x[i]  # error: [OX102]


@jit.rawkernel()
def last(x, y):
    i = jit.grid(1)
    if i < y.size:
        y[i] = x[-1]  # error: [OX301] "`x[-1]`, and a negative index is out of bounds"


@jit.rawkernel()
def differences(x, y):
    i = jit.grid(1)
    if i < y.size:
        y[i] = x[i] - x[i - 1]  # error: [OX301] "`x[4294967295]`"


def wrapped(x, y):
    i = jit.grid(1)
    if i < y.size:
        y[i] = x[i - 2]  # error: [OX301] "`x[4294967294]`"


@jit.rawkernel()
def guarded_in_vain(x, y):
    i = jit.blockIdx.x * jit.blockDim.x + jit.threadIdx.x
    if i < y.size and i - 1 >= 0:
        y[i] = x[i - 1]  # error: [OX301] "`x[4294967295]`"


x = cp.ones(1000, dtype=cp.float32)
scale((8,), (128,), (x, cp.empty_like(x)))
total[8, 128](x, cp.zeros(1))
guarded_in_vain[8, 128](x, cp.empty_like(x))
last((8,), (128,), (x, cp.empty_like(x)))
differences((8,), (128,), (x, cp.empty_like(x)))
behind = jit.rawkernel()(wrapped)
behind[8, 128](x, cp.empty_like(x))
