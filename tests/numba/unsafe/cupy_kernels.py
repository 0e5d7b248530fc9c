"""CuPy's kernels with a guard that is missing, and with a sum that is no atomic one."""

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


x = cp.ones(1000, dtype=cp.float32)
scale((8,), (128,), (x, cp.empty_like(x)))
total[8, 128](x, cp.zeros(1))
