"""Kernels that are right for some launches, and not for those below."""

import numpy as np

from numba import cuda


@cuda.jit
def unguarded(a, b):
    i = cuda.grid(1)
    b[i] = a[i]  # error: [OX301] "1000"  # also:


@cuda.jit
def wrong_axis(a, out):
    i, j = cuda.grid(2)
    if i < a.shape[1] and j < a.shape[0]:
        out[i, j] = 2 * a[i, j]  # error: [OX301]  # also:


@cuda.jit
def half(a, n):
    i = cuda.grid(1)
    if i <= n:
        a[i] = 0  # error: [OX301]


@cuda.jit
def smooth(u, v):
    i = cuda.grid(1)
    if 0 < i < u.size - 1:
        v[i] = 0.5 * (u[i - 1] + u[i + 1])  # error: [OX103]  # also:


def main():
    n = 1000
    a = np.zeros(n)
    b = np.zeros(n)
    unguarded[(n + 127) // 128, 128](a, b)
    m = np.zeros((30, 20))
    out = np.zeros((30, 20))
    wrong_axis[(2, 2), (16, 16)](m, out)
    half[8, 128](a, n)
    smooth[8, 128](b, a)
    smooth[8, 128](a, a)
