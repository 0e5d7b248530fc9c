"""The block that comes last adds up what the others left, and may not see it yet."""

import numpy as np

from numba import cuda


@cuda.jit
def without_a_fence(x, partial, done, out):
    b = cuda.blockIdx.x
    if cuda.threadIdx.x == 0:
        partial[b] = x[b]  # error: [OX206] "is no `cuda.threadfence()`"
        if cuda.atomic.add(done, 0, 1) == cuda.gridDim.x - 1:
            total = 0.0
            for j in range(cuda.gridDim.x):
                total += partial[j]
            out[0] = total


@cuda.jit
def launched_without_a_fence(x, partial, done, out):
    b = cuda.blockIdx.x
    if cuda.threadIdx.x == 0:
        partial[b] = x[b]  # error: [OX206] "is no `cuda.threadfence()`"
        cuda.threadfence()
        if cuda.atomic.add(done, 0, 1) == cuda.gridDim.x - 1:
            total = 0.0
            for j in range(cuda.gridDim.x):
                total += partial[j]
            out[0] = total


@cuda.jit
def one_too_early(x, partial, done, out):
    b = cuda.blockIdx.x
    if cuda.threadIdx.x == 0:
        partial[b] = x[b]  # error: [OX105]
        cuda.threadfence()
        if cuda.atomic.add(done, 0, 1) == cuda.gridDim.x - 2:
            cuda.threadfence()
            total = 0.0
            for j in range(cuda.gridDim.x):
                total += partial[j]
            out[0] = total


launched_without_a_fence[4, 32](np.zeros(4), np.zeros(4), np.zeros(1, np.int32), np.zeros(1))
one_too_early[4, 32](np.zeros(4), np.zeros(4), np.zeros(1, np.int32), np.zeros(1))
