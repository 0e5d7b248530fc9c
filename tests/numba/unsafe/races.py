"""Races that Numba users write: sums without atomics, barriers that are missing."""

import numpy as np

from numba import cuda, float32


@cuda.jit
def histogram(x, bins):
    i = cuda.grid(1)
    if i < x.size:
        bins[int(x[i]) % bins.size] += 1  # error: [OX102]  # also:


@cuda.jit
def total(x, out):
    i = cuda.grid(1)
    if i < x.shape[0]:
        out[0] += x[i]  # error: [OX102]


@cuda.jit
def shift(a, out):
    s = cuda.shared.array(128, float32)
    t = cuda.threadIdx.x
    i = cuda.grid(1)
    if i < a.size:
        s[t] = a[i]  # error: [OX104] "no `cuda.syncthreads()` between"
        if t > 0:
            out[i] = s[t - 1]  # also:


@cuda.jit
def reduce(a, out):
    s = cuda.shared.array(256, float32)
    t = cuda.threadIdx.x
    s[t] = a[cuda.grid(1)]
    cuda.syncthreads()
    k = 128
    while k > 0:
        if t < k:
            s[t] += s[t + k]  # error: [OX104]  # also:
        k //= 2
    if t == 0:
        out[cuda.blockIdx.x] = s[0]  # also:


@cuda.jit
def smooth(a):
    i = cuda.grid(1)
    if 0 < i < a.size - 1:
        a[i] = (a[i - 1] + a[i] + a[i + 1]) / 3  # error: [OX103]  # also:


@cuda.jit
def spread_from_behind(a):
    i = cuda.grid(1)
    inner = a[1:-1]
    if i < inner.shape[0]:
        inner[i] = inner[-1]  # error: [OX103]


spread_from_behind[1, 64](np.zeros(64))
