"""Matrix products: naive, and by tiles that are padded with zeros at the edges."""

import numpy as np

from numba import cuda, float32

TPB = 16


@cuda.jit
def matmul(A, B, C):
    row, col = cuda.grid(2)
    if row < C.shape[0] and col < C.shape[1]:
        total = 0.0
        for k in range(A.shape[1]):
            total += A[row, k] * B[k, col]  # hint: [OX601]
        C[row, col] = total


@cuda.jit
def fast_matmul(A, B, C):
    sA = cuda.shared.array(shape=(TPB, TPB), dtype=float32)
    sB = cuda.shared.array(shape=(TPB, TPB), dtype=float32)
    x, y = cuda.grid(2)
    tx = cuda.threadIdx.x
    ty = cuda.threadIdx.y
    tmp = float32(0.0)
    for i in range((A.shape[1] + TPB - 1) // TPB):
        sA[ty, tx] = 0
        sB[ty, tx] = 0
        if y < A.shape[0] and (tx + i * TPB) < A.shape[1]:
            sA[ty, tx] = A[y, tx + i * TPB]
        if x < B.shape[1] and (ty + i * TPB) < B.shape[0]:
            sB[ty, tx] = B[ty + i * TPB, x]
        cuda.syncthreads()
        for j in range(TPB):
            tmp += sA[ty, j] * sB[j, tx]
        cuda.syncthreads()
    if y < C.shape[0] and x < C.shape[1]:
        C[y, x] = tmp


@cuda.jit
def transpose(a, out):
    tile = cuda.shared.array((32, 33), float32)
    x = cuda.blockIdx.x * 32 + cuda.threadIdx.x
    y = cuda.blockIdx.y * 32 + cuda.threadIdx.y
    if y < a.shape[0] and x < a.shape[1]:
        tile[cuda.threadIdx.y, cuda.threadIdx.x] = a[y, x]
    cuda.syncthreads()
    x = cuda.blockIdx.y * 32 + cuda.threadIdx.x
    y = cuda.blockIdx.x * 32 + cuda.threadIdx.y
    if y < out.shape[0] and x < out.shape[1] and x < a.shape[0] and y < a.shape[1]:
        out[y, x] = tile[cuda.threadIdx.x, cuda.threadIdx.y]


def run(n, m, k):
    A = cuda.to_device(np.random.rand(n, k))
    B = cuda.to_device(np.random.rand(k, m))
    C = cuda.device_array((n, m))
    grid = ((m + TPB - 1) // TPB, (n + TPB - 1) // TPB)
    fast_matmul[grid, (TPB, TPB)](A, B, C)
    matmul[((n + 15) // 16, (m + 15) // 16), (16, 16)](A, B, C)
    out = cuda.device_array((k, n))
    transpose[((k + 31) // 32, (n + 31) // 32), (32, 32)](A, out)


@cuda.jit(device=True)
def ends(row):
    return row[0] + row[-1]  # hint: [OX601]


@cuda.jit
def from_behind(a, out):
    i = cuda.grid(1)
    if i < a.shape[0] and i < out.shape[0] and a.shape[1] > 2:
        row = a[i]
        row[-2] += row[-1]
        out[i] = ends(a[i, :-1]) + ends(row)


from_behind[2, 64](np.zeros((100, 5)), np.zeros(100))
