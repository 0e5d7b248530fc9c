"""Vector arithmetic as tutorials have it: guards, strides, explicit signatures."""

import math

import numpy as np

from numba import cuda


@cuda.jit
def saxpy(a, x, y, out):
    i = cuda.grid(1)
    if i < out.size:
        out[i] = a * x[i] + y[i]


@cuda.jit("void(float32[:], float32[:], int32)")
def scaled(src, dst, n):
    start = cuda.grid(1)
    step = cuda.gridsize(1)
    for i in range(start, n, step):
        dst[i] = src[i] * 2  # hint: [OX604]


@cuda.jit
def reverse(x, out):
    i = cuda.blockIdx.x * cuda.blockDim.x + cuda.threadIdx.x
    if i >= x.shape[0]:
        return
    out[i] = x[x.shape[0] - 1 - i]


@cuda.jit
def last_of(x, out):
    if cuda.grid(1) == 0:
        out[0] = x[-1]


def main():
    n = 100_000
    x = np.random.rand(n)
    y = np.ones_like(x)
    out = np.zeros(n)
    threads = 256
    blocks = math.ceil(n / threads)
    saxpy[blocks, threads](2.0, x, y, out)
    scaled[64, 256](x, out, n)
    reverse[(n + threads - 1) // threads, threads](x, out)
    last_of[1, 1](x, out)
    # Each thread reads and writes its own element, so one array may be both.
    saxpy[blocks, threads](2.0, x, x, x)
