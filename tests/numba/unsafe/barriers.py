"""Barriers that some threads do not come to."""

from numba import cuda, float32


@cuda.jit
def early_exit(a, out):
    s = cuda.shared.array(64, float32)
    t = cuda.threadIdx.x
    i = cuda.grid(1)
    if i >= a.size:
        return  # error: [OX202]
    s[t] = a[i]
    cuda.syncthreads()
    out[i] = s[63 - t]  # also:


@cuda.jit
def divergent(a):
    i = cuda.grid(1)
    if cuda.threadIdx.x < 16:
        cuda.syncthreads()  # error: [OX201]
    if i < a.size:
        a[i] = 0


@cuda.jit
def in_loop(a):
    for _k in range(cuda.threadIdx.x):
        cuda.syncthreads()  # error: [OX201]
    if cuda.grid(1) < a.size:
        a[cuda.grid(1)] = 1
