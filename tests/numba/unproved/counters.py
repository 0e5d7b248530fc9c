"""Places that counters give: what they start with is for the host to see to."""

import numpy as np

from numba import cuda


@cuda.jit
def scattered(keys, starts, out):
    i = cuda.grid(1)
    if i < keys.size:
        place = cuda.atomic.add(starts, keys[i], 1)
        out[place] = i


scattered[4, 64](np.zeros(256, np.int32), np.zeros(8, np.int32), np.zeros(256, np.int32))


@cuda.jit
def last_block(x, partial, done, out):  # proved, with a stated fact
    if cuda.threadIdx.x == 0:
        partial[cuda.blockIdx.x] = x[cuda.blockIdx.x]
        cuda.threadfence()
        if cuda.atomic.add(done, 0, 1) == cuda.gridDim.x - 1:
            cuda.threadfence()
            total = 0.0
            for k in range(cuda.gridDim.x):
                total += partial[k]
            out[0] = total


# What `empty` and `device_array` give, nobody has set to anything.
last_block[4, 64](np.zeros(4), np.zeros(4), np.empty(1, np.int32), np.zeros(1))


@cuda.jit
def tickets(counter, out):
    place = cuda.atomic.add(counter, 0, 1)
    if place < out.size:
        out[place] = cuda.threadIdx.x


tickets[4, 64](cuda.device_array(1, np.int32), np.zeros(256, np.int32))


@cuda.jit
def compacted(x, counter, out):
    i = cuda.grid(1)
    if i < x.size and x[i] > 0:
        out[cuda.atomic.add(counter, 0, 1)] = x[i]


def kept(x, counter, out):
    compacted[(x.size + 255) // 256, 256](x, counter, out)
    compacted[(x.size + 255) // 256, 256](x, counter, out)


kept(np.ones(1000), np.zeros(1, np.int32), np.zeros(1000))
