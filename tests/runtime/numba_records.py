"""Kernels of complex numbers and records, for tests of how they are passed, compiled and run."""

import cmath

import numpy as np

from oxide.numba import complex64, cuda
from oxide.numba.cuda.random import xoroshiro128p_uniform_float32

packed = np.dtype([("tag", np.uint8), ("v", np.float64), ("w", np.float32, (2,))])
shared_bytes = np.dtype(
    {"names": ["whole", "low"], "formats": [np.uint32, np.uint16], "offsets": [0, 0]}
)


@cuda.jit
def multiplied(x, y, factor):
    i = cuda.grid(1)
    if i < y.size and i < x.size:
        y[i] = x[i] * y[i] + factor


@cuda.jit
def halved(p, by):
    i = cuda.grid(1)
    if i < p.size:
        p[i].v = p[i].v * by.w + p[i].tag
        p[i].w[1] = p[i].w[0] + by.z.imag
        p[i].tag = i


@cuda.jit
def reversed_by_block(x, out):
    tile = cuda.shared.array(32, dtype=complex64)
    t = cuda.threadIdx.x
    tile[t] = x[t]
    cuda.syncthreads()
    out[t] = tile[31 - t]


@cuda.jit
def unordered(x, out):
    tile = cuda.shared.array(32, dtype=complex64)
    t = cuda.threadIdx.x
    tile[t] = x[t]
    out[t] = tile[31 - t]


@cuda.jit
def drawn(states, out):
    i = cuda.grid(1)
    if i < out.size and i < states.size:
        out[i] = xoroshiro128p_uniform_float32(states, i)


@cuda.jit
def low_halves(p):
    i = cuda.grid(1)
    if i < p.size:
        p[i].low = 1


@cuda.jit
def counted(p):
    cuda.atomic.add(p["v"], 0, 1.0)


@cuda.jit
def scaled_by_another(p, q):
    i = cuda.grid(1)
    if i < p.size and i < q.size:
        p[i].v = p[i].v * q[i].v + p[i].v


TWIDDLES = np.array([1, 1j, -1, -1j], dtype=np.complex64)
WEIGHTS = np.array([(2, (0.5, 0.25)), (3, (1, 2))], dtype=[("n", "i4"), ("w", "f4", 2)])


@cuda.jit
def turned(x, out):
    turns = cuda.const.array_like(TWIDDLES)
    i = cuda.grid(1)
    if i < out.size and i < x.size:
        k = i % 2
        out[i] = x[i] * turns[i % 4] + WEIGHTS[k].n * WEIGHTS[k].w[i // 2 % 2]


@cuda.jit
def of_complex(z, out):
    i = cuda.grid(1)
    if i < z.size:
        out[0, i] = cmath.acos(z[i])
        out[1, i] = cmath.acosh(z[i])
        out[2, i] = cmath.asin(z[i])
        out[3, i] = cmath.asinh(z[i])
        out[4, i] = np.arctan(z[i])
        out[5, i] = cmath.atanh(z[i])
        out[6, i] = cmath.log(z[i])
        out[7, i] = cmath.exp(z[i])
        out[8, i] = cmath.cosh(z[i])
        out[9, i] = cmath.sinh(z[i])
        out[10, i] = cmath.tanh(z[i])
        out[11, i] = cmath.log(z[i], 2 - 1j)


@cuda.jit
def of_direction(sizes, angles, out):
    i = cuda.grid(1)
    if i < sizes.size:
        out[i] = cmath.rect(sizes[i], angles[i])
