"""Kernels that use intrinsics of `numba.cuda`, which the tests run through `oxide.numba`."""

# pyright: basic

from __future__ import annotations

from oxide.numba import cuda


@cuda.jit
def counted_up(counts, last, old):
    old[cuda.threadIdx.x] = cuda.atomic.inc(counts, 0, last)


@cuda.jit
def counted_down(counts, last):
    for k in range(1, 4):
        cuda.atomic.dec(counts, k, last)


@cuda.jit
def lanes(out):
    t = cuda.threadIdx.x
    out[0, t] = cuda.activemask()
    out[1, t] = cuda.lanemask_lt()
