"""The kernels of `gpu_kernels.py`, as their authors would write them."""

from __future__ import annotations

import math

from oxide import (
    AtomicSlice,
    DisjointSlice,
    DisjointSlice2D,
    SharedArray,
    Slice,
    Slice2D,
    atomic,
    block,
    f32,
    grid_stride,
    kernel,
    sync_threads,
    thread,
)

TILE = 32
BLOCK = 256


@kernel(requires=lambda a, b, c: len(a) >= len(c) and len(b) >= len(c))
def vecadd(a: Slice[f32], b: Slice[f32], c: DisjointSlice[f32]):
    """`c = a + b`."""
    i = thread.index_1d()
    if i < len(c):
        c[i] = a[i] + b[i]


@kernel(
    requires=lambda a, b, c: (
        a.shape[1] == b.shape[0] and c.shape[0] == a.shape[0] and c.shape[1] == b.shape[1]
    )
)
def naive(a: Slice2D[f32], b: Slice2D[f32], c: DisjointSlice2D[f32]):
    """`c = a @ b`, one element per thread."""
    row, col = thread.index_2d()
    if row < c.shape[0] and col < c.shape[1]:
        total = 0.0
        for k in range(a.shape[1]):
            total += a[row, k] * b[k, col]
        c[row, col] = total


@kernel(
    block=(TILE, TILE),
    requires=lambda a, b, c: (
        a.shape[1] == b.shape[0] and c.shape[0] == a.shape[0] and c.shape[1] == b.shape[1]
    ),
)
def tiled(a: Slice2D[f32], b: Slice2D[f32], c: DisjointSlice2D[f32]):
    """`c = a @ b` in tiles of shared memory."""
    tile_a = SharedArray(f32, (TILE, TILE))
    tile_b = SharedArray(f32, (TILE, TILE))
    row, col = thread.index_2d()
    x, y = thread.x, thread.y
    rows, inner = a.shape
    cols = b.shape[1]
    total = 0.0
    for start in range(0, inner, TILE):
        tile_a[y, x] = a[row, start + x] if row < rows and start + x < inner else 0.0
        tile_b[y, x] = b[start + y, col] if start + y < inner and col < cols else 0.0
        sync_threads()
        for k in range(TILE):
            total += tile_a[y, k] * tile_b[k, x]
        sync_threads()
    if row < rows and col < cols:
        c[row, col] = total


@kernel(
    block=BLOCK,
    requires=lambda x, y: y.shape[0] == x.shape[0] and y.shape[1] == x.shape[1],
)
def softmax(x: Slice2D[f32], y: DisjointSlice2D[f32]):
    """`y[i, j] = exp(x[i, j]) / sum(exp(x[i, :]))`, one block a row."""
    row = block.x
    if row < x.shape[0]:
        cols = x.shape[1]
        top = -math.inf
        for j in range(thread.x, cols, BLOCK):
            top = max(top, x[row, j])
        top = block.reduce_max(top)
        weight = 0.0
        for j in range(thread.x, cols, BLOCK):
            weight += math.exp(x[row, j] - top)
        scale = 1.0 / block.reduce_add(weight)
        for j in range(thread.x, cols, BLOCK):
            y[row, j] = math.exp(x[row, j] - top) * scale


@kernel(block=BLOCK, requires=lambda out: len(out) >= 1)
def total(a: Slice[f32], out: AtomicSlice[f32]):
    """`out[0] += sum(a)`."""
    part = 0.0
    for i in grid_stride(len(a)):
        part += a[i]
    part = block.reduce_add(part)
    if thread.x == 0:
        atomic.add(out, 0, part)
