"""Vectors, matrices, sparse rows, small systems."""

import math

import numpy as np

from numba import cuda, float32, float64

TPB = 16
LINE = 128
ORDER = 6


@cuda.jit
def axpy(a, x, y):
    for i in range(cuda.grid(1), x.shape[0], cuda.gridsize(1)):
        y[i] += a * x[i]


@cuda.jit
def gemv(matrix, x, y):
    row = cuda.grid(1)
    if row < matrix.shape[0]:
        total = 0.0
        for k in range(matrix.shape[1]):
            total += matrix[row, k] * x[k]
        y[row] = total


@cuda.jit
def gemv_by_blocks(matrix, x, y):
    """One row for each block."""
    part = cuda.shared.array(LINE, float32)
    row, t = cuda.blockIdx.x, cuda.threadIdx.x
    total = float32(0.0)
    for k in range(t, matrix.shape[1], LINE):
        total += matrix[row, k] * x[k]
    part[t] = total
    cuda.syncthreads()
    s = LINE // 2
    while s > 0:
        if t < s:
            part[t] += part[t + s]
        cuda.syncthreads()
        s //= 2
    if t == 0:
        y[row] = part[0]


@cuda.jit
def gemm(A, B, C):
    sA = cuda.shared.array((TPB, TPB), float32)
    sB = cuda.shared.array((TPB, TPB), float32)
    tx, ty = cuda.threadIdx.x, cuda.threadIdx.y
    row = cuda.blockIdx.y * cuda.blockDim.y + ty
    col = cuda.blockIdx.x * cuda.blockDim.x + tx
    total = float32(0.0)
    for tile in range(math.ceil(A.shape[1] / TPB)):
        k = tile * TPB
        sA[ty, tx] = A[row, k + tx] if row < A.shape[0] and k + tx < A.shape[1] else 0.0
        sB[ty, tx] = B[k + ty, col] if k + ty < B.shape[0] and col < B.shape[1] else 0.0
        cuda.syncthreads()
        for j in range(TPB):
            total += sA[ty, j] * sB[j, tx]
        cuda.syncthreads()
    if row < C.shape[0] and col < C.shape[1]:
        C[row, col] = total


@cuda.jit
def transpose(a, out):
    tile = cuda.shared.array((32, 33), float32)
    x = cuda.blockIdx.x * 32 + cuda.threadIdx.x
    y = cuda.blockIdx.y * 32 + cuda.threadIdx.y
    for j in range(0, 32, 8):
        if x < a.shape[1] and y + j < a.shape[0]:
            tile[cuda.threadIdx.y + j, cuda.threadIdx.x] = a[y + j, x]
    cuda.syncthreads()
    x = cuda.blockIdx.y * 32 + cuda.threadIdx.x
    y = cuda.blockIdx.x * 32 + cuda.threadIdx.y
    for j in range(0, 32, 8):
        if x < a.shape[0] and y + j < a.shape[1]:
            out[y + j, x] = tile[cuda.threadIdx.x, cuda.threadIdx.y + j]


@cuda.jit
def spmv(indptr, indices, data, x, y):
    row = cuda.grid(1)
    if row < y.size:
        total = 0.0
        for e in range(max(indptr[row], 0), min(indptr[row + 1], data.size)):
            column = indices[e]
            if 0 <= column < x.size:
                total += data[e] * x[column]
        y[row] = total


@cuda.jit
def jacobi(matrix, b, x, new_x):
    i = cuda.grid(1)
    n = b.shape[0]
    if i < n:
        total = b[i]
        for j in range(n):
            if j != i:
                total -= matrix[i, j] * x[j]
        new_x[i] = total / matrix[i, i]


@cuda.jit
def dot(x, y, out):
    cache = cuda.shared.array(LINE, float64)
    t = cuda.threadIdx.x
    total = 0.0
    i = cuda.grid(1)
    while i < x.size:
        total += x[i] * y[i]
        i += cuda.gridsize(1)
    cache[t] = total
    cuda.syncthreads()
    step = 1
    while step < LINE:
        if t % (2 * step) == 0:
            cache[t] += cache[t + step]
        cuda.syncthreads()
        step *= 2
    if t == 0:
        cuda.atomic.add(out, 0, cache[0])


@cuda.jit
def solve_small(systems, rhs):
    """One small system for each thread: elimination in its own memory."""
    s = cuda.grid(1)
    if s >= systems.shape[0]:
        return
    a = cuda.local.array((ORDER, ORDER), float64)
    b = cuda.local.array(ORDER, float64)
    for i in range(ORDER):
        b[i] = rhs[s, i]
        for j in range(ORDER):
            a[i, j] = systems[s, i, j]
    for p in range(ORDER):
        for i in range(p + 1, ORDER):
            f = a[i, p] / a[p, p]
            for j in range(p, ORDER):
                a[i, j] -= f * a[p, j]
            b[i] -= f * b[p]
    for i in range(ORDER - 1, -1, -1):
        for j in range(i + 1, ORDER):
            b[i] -= a[i, j] * b[j]
        b[i] /= a[i, i]
        rhs[s, i] = b[i]


@cuda.jit
def outer(x, y, out):
    i, j = cuda.grid(2)
    if i < x.size and j < y.size:
        out[i, j] = x[i] * y[j]


@cuda.jit
def thomas(lower, diagonal, upper, rhs):
    """One system of three diagonals for each column."""
    c = cuda.grid(1)
    n = diagonal.shape[0]
    if c < diagonal.shape[1]:
        for i in range(1, n):
            f = lower[i, c] / diagonal[i - 1, c]
            diagonal[i, c] -= f * upper[i - 1, c]
            rhs[i, c] -= f * rhs[i - 1, c]
        rhs[n - 1, c] /= diagonal[n - 1, c]
        for i in range(n - 2, -1, -1):
            rhs[i, c] = (rhs[i, c] - upper[i, c] * rhs[i + 1, c]) / diagonal[i, c]


def run(n, m, k):
    x, y = np.ones(n), np.zeros(n)
    axpy[32, LINE](2.0, x, y)
    matrix = cuda.to_device(np.random.rand(n, m).astype(np.float32))
    v = cuda.to_device(np.random.rand(m).astype(np.float32))
    w = cuda.device_array(n, dtype=np.float32)
    gemv[(n + 63) // 64, 64](matrix, v, w)
    gemv_by_blocks[n, LINE](matrix, v, w)
    other = cuda.to_device(np.random.rand(m, k).astype(np.float32))
    product = cuda.device_array((n, k), dtype=np.float32)
    blocks = (math.ceil(k / TPB), math.ceil(n / TPB))
    gemm[blocks, (TPB, TPB)](matrix, other, product)
    turned = cuda.device_array((m, n), dtype=np.float32)
    transpose[((m + 31) // 32, (n + 31) // 32), (32, 8)](matrix, turned)
    out = np.zeros(1)
    dot[64, LINE](x, y, out)
    outer[((n + 15) // 16, (n + 15) // 16), (16, 16)](x, y, np.zeros((n, n)))


def sparse(n, nnz):
    indptr = np.zeros(n + 1, dtype=np.int32)
    indices = np.zeros(nnz, dtype=np.int32)
    spmv[(n + LINE - 1) // LINE, LINE](indptr, indices, np.ones(nnz), np.ones(n), np.zeros(n))
    a, b = np.eye(n), np.ones(n)
    old, new = np.zeros(n), np.zeros(n)
    for _ in range(50):
        jacobi[(n + 63) // 64, 64](a, b, old, new)
        old, new = new, old


def small(count):
    systems = np.random.rand(count, ORDER, ORDER)
    solve_small[(count + 63) // 64, 64](systems, np.ones((count, ORDER)))
    shape = (64, count)
    d = np.ones(shape)
    thomas[(count + 63) // 64, 64](np.ones(shape), d, np.ones(shape), np.ones(shape))
