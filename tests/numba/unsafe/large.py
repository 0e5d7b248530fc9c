"""Launches of millions of threads: the blocks that show the mistake are run, not the others."""

import math

import numpy as np

from numba import cuda


@cuda.jit
def unguarded(a, b):
    i = cuda.grid(1)
    b[i] = a[i]  # error: [OX301] "thread 64 of block 7812 writes `b[1000000]`"  # also:


@cuda.jit
def wrong_axis(a, out):
    i, j = cuda.grid(2)
    if i < a.shape[1] and j < a.shape[0]:
        out[i, j] = 2 * a[i, j]  # error: [OX301] "out[0, 1000]"  # also:


@cuda.jit
def total(a, out):
    i = cuda.grid(1)
    if i < a.size:
        out[0] += a[i]  # error: [OX102]


@cuda.jit
def halo(a, out):
    i = cuda.grid(1)
    if 0 < i < a.size:
        out[i] = a[i - 1] + a[i] + a[i + 1]  # error: [OX301] "a[1000000]"


@cuda.jit
def shifted(a):
    i = cuda.grid(1)
    if i < a.size - 1:
        a[i + 1] = a[i]  # error: [OX103]


def main():
    n = 1_000_000
    a = np.zeros(n)
    b = np.zeros(n)
    blocks = (n + 127) // 128
    unguarded[blocks, 128](a, b)
    m = np.zeros((2000, 1000))
    out = np.zeros((2000, 1000))
    threads = (16, 16)
    grid = (math.ceil(m.shape[0] / threads[0]), math.ceil(m.shape[1] / threads[1]))
    wrong_axis[grid, threads](m, out)
    total[blocks, 128](a, b)
    halo[blocks, 128](a, b)
    shifted[blocks, 128](a)
