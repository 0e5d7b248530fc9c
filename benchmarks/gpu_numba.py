"""The kernels of `gpu_programs.py` for Numba."""

# The decorated functions are Numba's, which has no types for them.
# pyright: basic

from __future__ import annotations

import numpy as np

if not hasattr(np, "row_stack"):
    # Some versions of Numba for CUDA want it, and newer ones of NumPy lack it.
    np.row_stack = np.vstack

from numba import cuda, float32

TILE = 32


@cuda.jit
def vecadd(a, b, c):
    """`c = a + b`."""
    i = cuda.grid(1)
    if i < c.shape[0]:
        c[i] = a[i] + b[i]


@cuda.jit
def naive(a, b, c):
    """`c = a @ b`, one element per thread."""
    col, row = cuda.grid(2)
    if row < c.shape[0] and col < c.shape[1]:
        total = float32(0.0)
        for k in range(a.shape[1]):
            total += a[row, k] * b[k, col]
        c[row, col] = total


@cuda.jit
def tiled(a, b, c):
    """`c = a @ b` in tiles of shared memory."""
    tile_a = cuda.shared.array((TILE, TILE), float32)
    tile_b = cuda.shared.array((TILE, TILE), float32)
    col, row = cuda.grid(2)
    x, y = cuda.threadIdx.x, cuda.threadIdx.y
    total = float32(0.0)
    for start in range(0, a.shape[1], TILE):
        tile_a[y, x] = float32(0.0)
        tile_b[y, x] = float32(0.0)
        if row < a.shape[0] and start + x < a.shape[1]:
            tile_a[y, x] = a[row, start + x]
        if start + y < a.shape[1] and col < b.shape[1]:
            tile_b[y, x] = b[start + y, col]
        cuda.syncthreads()
        for k in range(TILE):
            total += tile_a[y, k] * tile_b[k, x]
        cuda.syncthreads()
    if row < c.shape[0] and col < c.shape[1]:
        c[row, col] = total
