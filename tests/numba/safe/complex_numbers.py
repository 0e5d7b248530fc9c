"""Complex numbers in kernels: each thread its own element, sums over tiles, transforms."""

import cmath

import numpy as np

from numba import complex64, cuda


@cuda.jit
def axpy(a, x, y):
    i = cuda.grid(1)
    if i < y.size:
        y[i] += a * x[i]


@cuda.jit
def mandelbrot(c, counts, limit):
    column, row = cuda.grid(2)
    if row < c.shape[0] and column < c.shape[1]:
        z = 0
        k = 0
        while abs(z) < 2 and k < limit:
            z = z * z + c[row, column]
            k += 1
        counts[row, column] = k


@cuda.jit("void(complex64[:], complex64[:])")
def block_sums(x, out):
    tile = cuda.shared.array(64, complex64)
    t = cuda.threadIdx.x
    i = cuda.grid(1)
    tile[t] = x[i] if i < x.size else 0
    cuda.syncthreads()
    stride = 32
    while stride > 0:
        if t < stride:
            tile[t] += tile[t + stride]
        cuda.syncthreads()
        stride //= 2
    if t == 0:
        out[cuda.blockIdx.x] = tile[0]


@cuda.jit
def halves(x):
    """The two parts of one element are two numbers, which two threads may write."""
    i = cuda.grid(1)
    k = i // 2
    if k < x.size:
        if i % 2 == 0:
            x.real[k] = 1.0
        else:
            x.imag[k] = 2.0


@cuda.jit(device=True)
def rotated(z, angle):
    return z * cmath.exp(1j * angle)


@cuda.jit
def rotate(x, out):
    i = cuda.grid(1)
    if i < out.size:
        local = cuda.local.array(2, np.complex128)
        local[0] = rotated(x[i], 0.5)
        local[1] = local[0].conjugate()
        out[i] = local[1] / (abs(local[0]) + 1)


@cuda.jit
def spread(phases, picture):
    i = cuda.grid(1)
    if i < picture.size:
        row, column = divmod(i, picture.shape[1])
        picture[row, column] = cmath.exp(1j * phases[row, column])


def spread_over(shape):
    picture = cuda.to_device(np.zeros(shape, dtype=complex))
    phases = cuda.device_array(shape)
    spread[(picture.size + 255) // 256, 256](phases, picture)
    return picture


def main():
    n = 100_000
    x = np.ones(n, dtype=np.complex64)
    y = cuda.to_device(np.zeros(n, dtype=np.complex64))
    blocks = (n + 255) // 256
    axpy[blocks, 256](np.complex64(2j), cuda.to_device(x), y)
    out = cuda.device_array(n, np.complex128)
    rotate[blocks, 256](y, out)
    halves[(2 * n + 255) // 256, 256](y)
    c = cuda.to_device(np.zeros((100, 200), dtype=complex))
    counts = cuda.device_array((100, 200), np.int32)
    mandelbrot[(13, 7), (16, 16)](c, counts, 50)
    sums = cuda.device_array(64, np.complex64)
    block_sums[64, 64](y, sums)
