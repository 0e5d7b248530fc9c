"""Shared memory that is read before everybody has written it, or written while others read."""

import math

import numpy as np

from numba import cuda, float32, int32

TPB = 8
BLOCK = 32


@cuda.jit
def gemm(A, B, C):
    sA = cuda.shared.array((TPB, TPB), float32)
    sB = cuda.shared.array((TPB, TPB), float32)
    x, y = cuda.grid(2)
    tx, ty = cuda.threadIdx.x, cuda.threadIdx.y
    total = 0.0
    for i in range(math.ceil(A.shape[1] / TPB)):
        sA[ty, tx] = 0  # error: [OX104]  # also:
        sB[ty, tx] = 0  # error: [OX104]  # also:
        if y < A.shape[0] and tx + i * TPB < A.shape[1]:
            # error: [OX104] "no `cuda.syncthreads()`"  # also:
            sA[ty, tx] = A[y, tx + i * TPB]
        if x < B.shape[1] and ty + i * TPB < B.shape[0]:
            sB[ty, tx] = B[ty + i * TPB, x]  # error: [OX104]  # also:
        cuda.syncthreads()
        for j in range(TPB):
            total += sA[ty, j] * sB[j, tx]
    if y < C.shape[0] and x < C.shape[1]:
        C[y, x] = total


@cuda.jit
def scan(values, out):
    s = cuda.shared.array(BLOCK, float32)
    t, i = cuda.threadIdx.x, cuda.grid(1)
    s[t] = values[i] if i < values.size else 0.0
    cuda.syncthreads()
    d = 1
    while d < BLOCK:
        if t >= d:
            s[t] += s[t - d]  # error: [OX104]  # also:
        cuda.syncthreads()
        d *= 2
    if i < out.size:
        out[i] = s[t]


@cuda.jit
def histogram(image, counts):
    bins = cuda.shared.array(32, int32)
    t = cuda.threadIdx.x
    bins[t] = 0  # error: [OX106]  # also:
    i = cuda.grid(1)
    if i < image.size:
        cuda.atomic.add(bins, image[i] & 31, 1)  # also:
    cuda.syncthreads()
    cuda.atomic.add(counts, t, bins[t])


@cuda.jit
def softmax(logits, out):
    s = cuda.shared.array(BLOCK, float32)
    row, t = cuda.blockIdx.x, cuda.threadIdx.x
    s[t] = logits[row, t]
    cuda.syncthreads()
    k = BLOCK // 2
    while k > 0:
        if t < k:
            s[t] = max(s[t], s[t + k])
        cuda.syncthreads()
        k //= 2
    top = s[0]
    s[t] = math.exp(logits[row, t] - top)  # error: [OX104]
    cuda.syncthreads()
    k = BLOCK // 2
    while k > 0:
        if t < k:
            s[t] += s[t + k]
        cuda.syncthreads()
        k //= 2
    out[row, t] = math.exp(logits[row, t] - top) / s[0]


@cuda.jit
def bodies(position, force):
    tile = cuda.shared.array((BLOCK, 3), float32)
    i, t = cuda.grid(1), cuda.threadIdx.x
    total = 0.0
    for start in range(0, position.shape[0], BLOCK):
        if start + t < position.shape[0]:
            for k in range(3):
                tile[t, k] = position[start + t, k]  # error: [OX104]  # also:
        for j in range(min(BLOCK, position.shape[0] - start)):
            total += tile[j, 0] + tile[j, 1] + tile[j, 2]  # also:
        cuda.syncthreads()
    if i < force.size:
        force[i] = total


@cuda.jit
def life(now, after):
    tile = cuda.shared.array((TPB + 2, TPB + 2), int32)
    tx, ty = cuda.threadIdx.x + 1, cuda.threadIdx.y + 1
    x, y = cuda.grid(2)
    n, m = now.shape
    tile[tx, ty] = now[x % n, y % m]  # error: [OX104]  # also:
    if cuda.threadIdx.x == 0:
        tile[0, ty] = now[(x - 1 + n) % n, y % m]
    if cuda.threadIdx.x == TPB - 1:
        tile[TPB + 1, ty] = now[(x + 1) % n, y % m]
    if x < n and y < m:
        after[x, y] = tile[tx - 1, ty] + tile[tx + 1, ty]


@cuda.jit
def dot(x, y, out):
    cache = cuda.shared.array(BLOCK, float32)
    t = cuda.threadIdx.x
    total = 0.0
    for i in range(cuda.grid(1), x.size, cuda.gridsize(1)):
        total += x[i] * y[i]
    cache[t] = total  # error: [OX104]
    if t == 0:
        s = 0.0
        for k in range(BLOCK):
            s += cache[k]
        cuda.atomic.add(out, 0, s)


def run(n, m):
    a = cuda.to_device(np.random.rand(n, m).astype(np.float32))
    b = cuda.to_device(np.random.rand(m, n).astype(np.float32))
    c = cuda.device_array((n, n), dtype=np.float32)
    blocks = ((n + TPB - 1) // TPB, (n + TPB - 1) // TPB)
    gemm[blocks, (TPB, TPB)](a, b, c)
    values = cuda.to_device(np.random.rand(n).astype(np.float32))
    lines = (n + BLOCK - 1) // BLOCK
    scan[lines, BLOCK](values, cuda.device_array(n, dtype=np.float32))
    pixels = cuda.to_device(np.zeros(n, dtype=np.uint8))
    histogram[(n + 31) // 32, 32](pixels, cuda.to_device(np.zeros(32, dtype=np.int32)))
    softmax[n, BLOCK](np.ones((n, BLOCK)), np.ones((n, BLOCK)))
    bodies[lines, BLOCK](np.ones((n, 3)), np.ones(n))
    life[blocks, (TPB, TPB)](np.ones((n, n), dtype=np.int32), np.ones((n, n), dtype=np.int32))
    dot[32, BLOCK](values, values, np.zeros(1))
