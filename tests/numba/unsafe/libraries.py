"""Counters and lanes by which threads are taken to be apart that are not."""

import numpy as np
from numba.cuda import libdevice

from numba import cuda


@cuda.jit
def read_beside(x, counts):
    i = cuda.grid(1)
    if i < x.size:
        cuda.atomic.inc(counts, 0, 7)
        x[i] = counts[0]  # error: [OX106]


@cuda.jit
def halved(x):
    i = cuda.grid(1)
    x[i] = 2 * libdevice.sqrtf(i)  # error: [OX301]


@cuda.jit
def every_lane(out):
    before = cuda.popc(cuda.lanemask_lt())
    out[before] = cuda.threadIdx.x  # error: [OX102]


def main():
    read_beside[1, 64](np.zeros(64), np.zeros(1, np.uint32))
    halved[1, 64](np.ones(50, np.float32))
    every_lane[1, 64](np.zeros(32))
