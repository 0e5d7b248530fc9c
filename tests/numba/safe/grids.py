"""Stencils and images: interiors, device functions, factories, rows handed to helpers."""

import math

import numpy as np

from numba import cuda

SCALE = 0.25


@cuda.jit(device=True)
def clamp(value, low, high):
    return min(max(value, low), high)


@cuda.jit(device=True)
def row_sum(row):
    total = 0.0
    for value in row:  # hint: [OX601]
        total += value
    return total


@cuda.jit
def laplace(u, out):
    i, j = cuda.grid(2)
    n, m = u.shape
    if 1 <= i < n - 1 and 1 <= j < m - 1:
        out[i, j] = SCALE * (u[i - 1, j] + u[i + 1, j] + u[i, j - 1] + u[i, j + 1])


@cuda.jit
def blur(image, out, radius):
    y, x = cuda.grid(2)
    if y >= image.shape[0] or x >= image.shape[1]:
        return
    total, count = 0.0, 0
    for dy in range(-radius, radius + 1):
        for dx in range(-radius, radius + 1):
            yy = clamp(y + dy, 0, image.shape[0] - 1)
            xx = clamp(x + dx, 0, image.shape[1] - 1)
            total += image[yy, xx]
            count += 1
    out[y, x] = total / count


@cuda.jit
def row_sums(a, out):
    i = cuda.grid(1)
    if i < a.shape[0]:
        out[i] = row_sum(a[i, :])


def make_power(exponent):
    @cuda.jit
    def power(x, out):
        i = cuda.grid(1)
        if i < x.size:
            out[i] = math.pow(x[i], exponent)

    return power


@cuda.jit
def mandelbrot(min_x, min_y, pixel, image, iters):
    startX, startY = cuda.grid(2)
    gridX = cuda.gridDim.x * cuda.blockDim.x
    gridY = cuda.gridDim.y * cuda.blockDim.y
    height = image.shape[0]
    width = image.shape[1]
    for x in range(startX, width, gridX):
        real = min_x + x * pixel
        for y in range(startY, height, gridY):
            imag = min_y + y * pixel
            c = complex(real, imag)
            z = 0.0j
            color = iters
            for i in range(iters):
                z = z * z + c
                if (z.real * z.real + z.imag * z.imag) >= 4:
                    color = i
                    break
            image[y, x] = color


def run(n):
    u = np.zeros((n, n))
    out = np.zeros((n, n))
    blocks = (math.ceil(n / 16), math.ceil(n / 16))
    laplace[blocks, (16, 16)](u, out)
    blur[blocks, (16, 16)](u, out, 2)
