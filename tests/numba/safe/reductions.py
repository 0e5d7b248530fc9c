"""Sums of blocks: by halves in shared memory, by warps, by atomics."""

import numpy as np

from numba import cuda, float64, int32

BLOCK = 256


@cuda.jit
def block_sums(a, partial):
    s = cuda.shared.array(BLOCK, dtype=np.float64)
    i = cuda.grid(1)
    t = cuda.threadIdx.x
    s[t] = a[i] if i < a.size else 0.0
    cuda.syncthreads()
    k = BLOCK // 2
    while k > 0:
        if t < k:
            s[t] += s[t + k]
        cuda.syncthreads()
        k //= 2
    if t == 0:
        partial[cuda.blockIdx.x] = s[0]


@cuda.jit
def warp_sums(a, total):
    i = cuda.grid(1)
    value = 0.0
    if i < a.shape[0]:
        value = a[i]
    offset = 16
    while offset > 0:
        value += cuda.shfl_down_sync(0xFFFFFFFF, value, offset)
        offset //= 2
    if cuda.laneid == 0:
        cuda.atomic.add(total, 0, value)


@cuda.jit
def histogram(x, low, high, bins):
    i = cuda.grid(1)
    if i < x.size:
        b = int((x[i] - low) / (high - low) * bins.shape[0])
        if 0 <= b < bins.shape[0]:
            cuda.atomic.add(bins, b, 1)


@cuda.jit
def private_histogram(x, bins):
    local = cuda.shared.array(64, int32)
    t = cuda.threadIdx.x
    for b in range(t, 64, cuda.blockDim.x):
        local[b] = 0
    cuda.syncthreads()
    for i in range(cuda.grid(1), x.size, cuda.gridsize(1)):
        cuda.atomic.add(local, int(x[i]) & 63, 1)
    cuda.syncthreads()
    for b in range(t, min(64, bins.size), cuda.blockDim.x):
        cuda.atomic.add(bins, b, local[b])


def run(a):
    blocks = (a.size + BLOCK - 1) // BLOCK
    partial = cuda.device_array(blocks, dtype=float64)
    block_sums[blocks, BLOCK](a, partial)
    total = np.zeros(1)
    warp_sums[blocks, BLOCK](a, total)
    return partial, total


@cuda.jit
def reverse_in_given_bytes(out):
    i = cuda.threadIdx.x
    tile = cuda.shared.array(0, np.float32)
    tile[i] = i
    cuda.syncthreads()
    out[i] = tile[cuda.blockDim.x - 1 - i]


def reverse(n):
    reverse_in_given_bytes[1, n, 0, n * 4](np.zeros(n))
