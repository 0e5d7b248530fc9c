"""Functions of libraries, counters that go round, and lanes that are together."""

import numpy as np
from numba.cuda import libdevice

from numba import cuda, float32


@cuda.jit
def smoothed(x, out, width):
    i = cuda.grid(1)
    if i < out.size and i < x.size:
        s, c = libdevice.sincosf(x[i])
        out[i] = libdevice.fast_expf(-s * s) + cuda.fp16.hmax(c, width)
        if i >= libdevice.max(0, -1) and np.sign(out[i]) > 0:
            out[i] = np.clip(out[i], float32(0), width)


@cuda.jit
def counted_round(x, counts, seen):
    i = cuda.grid(1)
    if i < x.size and i < seen.size:
        seen[i] = cuda.atomic.inc(counts, 0, 9)
        cuda.atomic.dec(counts, 1, 9)


@cuda.jit
def together(out):
    i = cuda.grid(1)
    if i < out.size:
        lanes = cuda.activemask()
        out[i] = cuda.popc(lanes) + cuda.popc(cuda.lanemask_lt() & lanes)


@cuda.jit
def numbered(pair, out):
    i = cuda.grid(1)
    if i == 0:
        for k, (a, b) in enumerate(zip(pair, out), 1):
            if k < out.size:
                out[k] = a + b.view(np.uint32)


def main(n):
    x, out = cuda.to_device(np.ones(n, np.float32)), cuda.device_array(n, np.float32)
    smoothed[(n + 127) // 128, 128](x, out, np.float32(2))
    counted_round[(n + 127) // 128, 128](x, np.zeros(2, np.uint32), np.zeros(n, np.uint32))
    together[(n + 127) // 128, 128](np.zeros(n, np.int64))
    numbered[1, 32](np.ones(n, np.float32), out)
