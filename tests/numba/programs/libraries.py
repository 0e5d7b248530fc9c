"""Libraries of numba.cuda: libdevice, halves, counters that go round, functions of arrays."""

import cmath

import numpy as np
from numba.cuda import libdevice

from numba import cuda, guvectorize, vectorize

SIZE = 64


@cuda.jit
def real_functions(x, out):
    i = cuda.grid(1)
    if i < x.size:
        s, c = libdevice.sincos(x[i])
        m, e = libdevice.frexp(x[i])
        out[0, i] = s
        out[1, i] = m * e
        out[2, i] = libdevice.rsqrt(abs(x[i])) + libdevice.rint(x[i])
        out[3, i] = libdevice.sinpi(x[i])
        out[4, i] = libdevice.normcdf(x[i])
        out[5, i] = libdevice.fdim(x[i], 1.5) + libdevice.fma_rn(x[i], x[i], 1.0)
        out[6, i] = libdevice.nextafter(x[i], 0.0)
        out[7, i] = libdevice.round(x[i]) + libdevice.trunc(x[i])
        out[8, i] = c


@cuda.jit
def whole_functions(x, out):
    i = cuda.grid(1)
    if i < x.size:
        out[0, i] = libdevice.popcll(x[i])
        out[1, i] = libdevice.mulhi(x[i], 123456789)
        out[2, i] = libdevice.umulhi(x[i], -3)
        out[3, i] = libdevice.mul64hi(x[i] << 33, x[i] << 30)
        out[4, i] = libdevice.byte_perm(x[i], 0x10203040, 0x5410)
        out[5, i] = libdevice.float_as_int(libdevice.int2float_rn(x[i]))
        out[6, i] = libdevice.double2int_rn(x[i] * 0.5)
        out[7, i] = libdevice.sad(x[i], 7, 100)


@cuda.jit
def halves(x, out):
    i = cuda.grid(1)
    if i < x.size:
        out[0, i] = cuda.fp16.hfma(x[i], x[i], x[0])
        out[1, i] = cuda.fp16.hdiv(x[i], x[3])
        out[2, i] = cuda.fp16.hmax(x[i], x[5])
        out[3, i] = cuda.fp16.hlt(x[i], x[7])


@cuda.jit
def counters(counts, old):
    i = cuda.grid(1)
    old[i] = cuda.atomic.inc(counts, 0, 6)
    cuda.atomic.dec(counts, 1, 9)


@cuda.jit
def lanes(out):
    i = cuda.grid(1)
    out[0, i] = (cuda.activemask() >> cuda.laneid) & 1
    out[1, i] = cuda.lanemask_lt()


@cuda.jit
def inverses(z, out):
    i = cuda.grid(1)
    if i < z.size:
        out[0, i] = cmath.asinh(z[i])
        out[1, i] = cmath.acos(z[i])
        out[2, i] = cmath.atan(z[i])


@vectorize(["float32(float32, float32)", "float64(float64, float64)"], target="cuda")
def scaled(x, y):
    return 2 * x + y


@guvectorize(["void(float64[:], float64[:], float64[:])"], "(n),(n)->()", target="cuda")
def dotted(x, y, out):
    s = 0.0
    for k in range(x.shape[0]):
        s += x[k] * y[k]
    out[0] = s


@cuda.reduce
def total(a, b):
    return a + b


def main():
    found = {}
    x = np.linspace(-4, 4, SIZE) + 0.01
    out = np.zeros((9, SIZE))
    real_functions[1, SIZE](x, out)
    found["real_functions"] = out
    whole = np.arange(-SIZE, SIZE, 2).astype(np.int32) * 1234567
    out = np.zeros((8, SIZE), np.int64)
    whole_functions[1, SIZE](whole, out)
    found["whole_functions"] = out
    out = np.zeros((4, SIZE), np.float16)
    halves[1, SIZE](x.astype(np.float16), out)
    found["halves"] = out
    counts, old = np.array([0, 3], np.uint32), np.zeros(SIZE, np.uint32)
    counters[1, SIZE](counts, old)
    found["counters"] = np.concatenate([counts, np.sort(old)])
    out = np.zeros((2, SIZE), np.uint32)
    lanes[2, SIZE // 2](out)
    found["lanes"] = out
    z = np.exp(1j * x) * np.abs(x)
    out = np.zeros((3, SIZE), np.complex128)
    inverses[1, SIZE](z, out)
    found["inverses"] = out
    found["scaled"] = scaled(x.astype(np.float32).reshape(8, 8), np.float32(0.5))
    found["dotted"] = dotted(x.reshape(8, 8), x[:8])
    found["total"] = np.array([total(np.arange(10_000)), total(whole, init=5)])
    return found
