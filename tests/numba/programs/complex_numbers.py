"""Complex numbers: arithmetic, functions, fractals, transforms, scratch memory."""

import cmath
import math

import numpy as np

from numba import complex64, cuda

N = 64
ROTATION = 0.6 + 0.8j


def numbers(dtype, seed):
    rng = np.random.default_rng(seed)
    found = rng.standard_normal(N) + 1j * rng.standard_normal(N)
    found[:3] = [1, -2, 1j]
    return found.astype(dtype)


@cuda.jit
def arithmetic(x, y, out):
    i = cuda.grid(1)
    if i < x.size:
        a = x[i]
        b = y[i]
        out[0, i] = a + b
        out[1, i] = a - b
        out[2, i] = a * b
        out[3, i] = a / b
        out[4, i] = -a
        out[5, i] = +b
        out[6, i] = a.conjugate()
        out[7, i] = a * 2 + 1j
        out[8, i] = 1 / a
        out[9, i] = complex(a.real, b.imag)
        out[10, i] = a if abs(a) > abs(b) else 0
        out[11, i] = a * a.real - b.imag
        out[12, i] = ROTATION * a
        out[13, i] = 1 if a == b else (2 if a != 0 else 3)
        out[14, i] = 1 if a and a != 1 else 0


@cuda.jit
def functions(x, y, out):
    i = cuda.grid(1)
    if i < x.size:
        a = x[i]
        b = y[i]
        out[0, i] = cmath.exp(a)
        out[1, i] = cmath.log(2 + a * a.conjugate())
        out[2, i] = cmath.sqrt(a)
        out[3, i] = cmath.sin(a)
        out[4, i] = cmath.cos(b)
        out[5, i] = cmath.sinh(b)
        out[6, i] = cmath.cosh(a)
        out[7, i] = cmath.tanh(a)
        out[8, i] = cmath.phase(a)
        out[9, i] = a**2
        out[10, i] = abs(b)


@cuda.jit
def powers(x, y, out):
    i = cuda.grid(1)
    if i < x.size:
        out[i] = x[i] ** y[i]


@cuda.jit
def scaled(x, factor, out):
    for i in range(cuda.grid(1), x.size, cuda.gridsize(1)):
        out[i] = x[i]
        out[i] *= factor
        out[i] += x[i].imag


@cuda.jit
def mandelbrot(c, out, limit):
    row, column = cuda.grid(2)
    if row < c.shape[0] and column < c.shape[1]:
        z = 0
        count = 0
        while abs(z) < 2 and count < limit:
            z = z * z + c[row, column]
            count += 1
        out[row, column] = count


@cuda.jit
def transform(x, out):
    k = cuda.grid(1)
    if k < out.size:
        total = 0j
        for j in range(x.size):
            angle = -2 * math.pi * ((k * j) % x.size) / x.size
            total += x[j] * complex(math.cos(angle), math.sin(angle))
        out[k] = total


@cuda.jit
def block_sums(x, out):
    tile = cuda.shared.array(N, complex64)
    t = cuda.threadIdx.x
    i = cuda.grid(1)
    tile[t] = x[i] if i < x.size else 0
    cuda.syncthreads()
    stride = N // 2
    while stride > 0:
        if t < stride:
            tile[t] += tile[t + stride]
        cuda.syncthreads()
        stride //= 2
    if t == 0:
        out[cuda.blockIdx.x] = tile[0]


@cuda.jit(device=True)
def horner(coefficients, z):
    total = coefficients[0]
    for k in range(1, coefficients.size):
        total = total * z + coefficients[k]
    return total


@cuda.jit
def polynomials(coefficients, x, out):
    i = cuda.grid(1)
    if i < x.size:
        local = cuda.local.array(4, np.complex128)
        for k in range(4):
            local[k] = coefficients[k]
        out[i] = horner(local, x[i])


@cuda.jit
def parts(x, real, imaginary):
    i = cuda.grid(1)
    if i < x.size:
        real[i] = x[i].real
        imaginary[i] = x.imag[i]


def main():
    found = {}
    for dtype in (np.complex64, np.complex128):
        name = dtype.__name__
        x, y = numbers(dtype, 1), numbers(dtype, 2)
        out = np.zeros((15, N), dtype)
        arithmetic[2, 32](x, y, out)
        found[f"arithmetic {name}"] = out
        out = np.zeros((11, N), dtype)
        functions[2, 32](x, y, out)
        found[f"functions {name}"] = out
        out = np.zeros(N, dtype)
        # Numba takes 1j ** 1j for 0 on GPUs.
        powers[2, 32](x, y + dtype(0.5), out)
        found[f"powers {name}"] = out
        out = np.zeros(N, dtype)
        scaled[2, 16](x, dtype(0.5 - 2j), out)
        found[f"scaled {name}"] = out
        scaled[2, 16](x, 1.5 + 0.25j, out)
        found[f"scaled by a Python number {name}"] = out
        real, imaginary = np.zeros(N, out.real.dtype), np.zeros(N, out.real.dtype)
        parts[2, 32](x, real, imaginary)
        found[f"parts {name}"] = np.stack([real, imaginary])
        axis = np.linspace(-1.5, 1.5, 20)
        grid = (axis[:, None] - 0.5 + 1j * axis[None, :]).astype(dtype)
        out = np.zeros(grid.shape, np.int32)
        mandelbrot[(2, 2), (16, 16)](grid, out, 40)
        found[f"mandelbrot {name}"] = out
    x = numbers(np.complex128, 3)
    out = np.zeros(N, np.complex128)
    transform[2, 32](x, out)
    found["transform"] = out.copy()
    polynomials[2, 32](x[:4].copy(), x, out)
    found["polynomials"] = out.copy()
    sums = np.zeros(2, np.complex64)
    block_sums[2, N](np.concatenate([x, x[:40]]).astype(np.complex64), sums)
    found["block_sums"] = sums
    return found
