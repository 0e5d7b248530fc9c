"""CuPy's kernels: `jit.rawkernel`, launched as functions and with subscripts."""

import cupy as cp
from cupyx import jit

THREADS = 128


@jit.rawkernel()
def copy(x, y, size):
    for i in range(jit.grid(1), size, jit.gridsize(1)):
        y[i] = x[i]


@jit.rawkernel(device=True)
def square(v):
    return v * v


@jit.rawkernel()
def sum_of_squares(x, out):
    s = jit.shared_memory(cp.float32, THREADS)
    t = jit.threadIdx.x
    i = jit.blockIdx.x * jit.blockDim.x + t
    s[t] = square(x[i]) if i < x.shape[0] else 0.0
    jit.syncthreads()
    if t == 0:
        total = cp.float32(0)
        for k in range(THREADS):
            total += s[k]
        jit.atomic_add(out, 0, total)


@jit.rawkernel()
def differences(x, y, size):
    i = jit.grid(1)
    if 0 < i < size:
        y[i] = x[i] - x[i - 1]
    elif i == 0:
        y[0] = x[0] - x[x.size - 1]


@jit.rawkernel()
def from_the_left(x, y, size):
    i = jit.blockIdx.x * jit.blockDim.x + jit.threadIdx.x
    if i < size:
        left = i - 1
        y[i] = x[left] if left < x.size else 0.0


size = 2**20
x = cp.random.normal(size=(size,), dtype=cp.float32)
y = cp.empty((size,), dtype=cp.float32)
copy((128,), (1024,), (x, y, size))
copy[128, 1024](x, y, size)
sum_of_squares((size // THREADS,), (THREADS,), (x, cp.zeros(1, dtype=cp.float32)))
differences[1024, 1024](x, y, size)
from_the_left[1024, 1024](x, y, size)
