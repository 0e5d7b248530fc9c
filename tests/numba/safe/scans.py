"""Sums of everything up to a place, and over everything: by blocks, warps and strides."""

import numpy as np

from numba import cuda, float32, float64, int32

BLOCK = 128
WARPS = 4


@cuda.jit
def hillis_steele(values, out, sums):
    s = cuda.shared.array((2, BLOCK), int32)
    t = cuda.threadIdx.x
    i = cuda.grid(1)
    s[0, t] = values[i] if i < values.size else 0
    now = 0
    cuda.syncthreads()
    d = 1
    while d < BLOCK:
        if t >= d:
            s[1 - now, t] = s[now, t] + s[now, t - d]
        else:
            s[1 - now, t] = s[now, t]
        now = 1 - now
        cuda.syncthreads()
        d *= 2
    if i < out.size:
        out[i] = s[now, t]
    if t == BLOCK - 1:
        sums[cuda.blockIdx.x] = s[now, t]


@cuda.jit
def scan_in_place(values, out):
    s = cuda.shared.array(BLOCK, float64)
    t = cuda.threadIdx.x
    i = cuda.grid(1)
    s[t] = 0.0
    if i < values.size:
        s[t] = values[i]
    cuda.syncthreads()
    d = 1
    while d < BLOCK:
        below = 0.0
        if t >= d:
            below = s[t - d]
        cuda.syncthreads()
        s[t] += below
        cuda.syncthreads()
        d *= 2
    if i < out.size:
        out[i] = s[t]


@cuda.jit
def add_offsets(out, offsets):
    i = cuda.grid(1)
    if cuda.blockIdx.x > 0 and i < out.size:
        out[i] += offsets[cuda.blockIdx.x - 1]


@cuda.jit
def warp_sums(values, out):
    parts = cuda.shared.array(WARPS, float32)
    i = cuda.grid(1)
    lane = cuda.threadIdx.x % 32
    warp = cuda.threadIdx.x // 32
    v = float32(0)
    if i < values.size:
        v = values[i]
    for d in (16, 8, 4, 2, 1):
        v += cuda.shfl_down_sync(0xFFFFFFFF, v, d)
    if lane == 0:
        parts[warp] = v
    cuda.syncthreads()
    if cuda.threadIdx.x == 0:
        total = float32(0)
        for k in range(WARPS):
            total += parts[k]
        out[cuda.blockIdx.x] = total


@cuda.jit
def largest(values, out):
    s = cuda.shared.array(BLOCK, float32)
    t = cuda.threadIdx.x
    best = values[0]
    for i in range(cuda.grid(1), values.size, cuda.gridsize(1)):
        best = max(best, values[i])
    s[t] = best
    cuda.syncthreads()
    half = BLOCK // 2
    while half:
        if t < half:
            s[t] = max(s[t], s[t + half])
        cuda.syncthreads()
        half >>= 1
    if t == 0:
        cuda.atomic.max(out, 0, s[0])


@cuda.jit
def where_least(values, places):
    best = cuda.shared.array(BLOCK, float64)
    where = cuda.shared.array(BLOCK, int32)
    t, i = cuda.threadIdx.x, cuda.grid(1)
    best[t] = values[i] if i < values.size else 1e300
    where[t] = i
    cuda.syncthreads()
    n = BLOCK
    while n > 1:
        n //= 2
        if t < n and best[t + n] < best[t]:
            best[t] = best[t + n]
            where[t] = where[t + n]
        cuda.syncthreads()
    if t == 0:
        places[cuda.blockIdx.x] = where[0]


@cuda.jit
def running_mean(values, out, width):
    i = cuda.grid(1)
    if i < out.size:
        total = 0.0
        for k in range(max(0, i - width + 1), i + 1):
            total += values[k]
        out[i] = total / min(width, i + 1)


@cuda.jit
def rows_cumulated(table):
    r = cuda.grid(1)
    if r < table.shape[0]:
        for c in range(1, table.shape[1]):
            table[r, c] += table[r, c - 1]


@cuda.reduce
def together(a, b):
    return a + b


def run(n):
    blocks = (n + BLOCK - 1) // BLOCK
    values = cuda.to_device(np.zeros(n, dtype=np.int32))
    out = cuda.device_array(n, dtype=np.int32)
    sums = cuda.device_array(blocks, dtype=np.int32)
    hillis_steele[blocks, BLOCK](values, out, sums)
    add_offsets[blocks, BLOCK](out, sums)
    numbers = cuda.to_device(np.random.rand(n))
    scan_in_place[blocks, BLOCK](numbers, cuda.device_array(n))
    floats = cuda.to_device(np.random.rand(n).astype(np.float32))
    warp_sums[blocks, BLOCK](floats, cuda.device_array(blocks, dtype=np.float32))
    best = cuda.to_device(np.zeros(1, dtype=np.float32))
    largest[16, BLOCK](floats, best)
    where_least[blocks, BLOCK](numbers, cuda.device_array(blocks, dtype=np.int32))
    running_mean[blocks, BLOCK](numbers, cuda.device_array(n), 7)
    rows_cumulated[blocks, BLOCK](cuda.device_array((n, 30)))
