"""Names that hold several things, of which one is used where it must not be."""

import numpy as np

from numba import cuda


@cuda.jit
def then_an_index(x, out):
    k = 0.5 * x[0]
    out[cuda.grid(1)] = k  # also:
    k = cuda.grid(1) + 1
    if k < out.size:
        out[k] = 2  # error: [OX102]


@cuda.jit
def one_too_far(a, b, out):
    i = cuda.grid(1)
    if i < out.size and i < a.size:
        v = a
        total = v[i]
        v = b
        out[i] = total + v[i]  # error: [OX301] "b[255]"


@cuda.jit
def a_tile_that_becomes_a_number(x, out):
    s = cuda.shared.array(64, np.float64)
    t = cuda.threadIdx.x
    s[t] = x[cuda.grid(1)]  # error: [OX104] "cuda.syncthreads()"
    s = s[63 - t]  # also:
    out[cuda.grid(1)] = s


one_too_far[4, 64](np.zeros(256), np.zeros(255), np.zeros(256))
then_an_index[4, 64](np.zeros(256), np.zeros(256))
a_tile_that_becomes_a_number[2, 64](np.zeros(128), np.zeros(128))
