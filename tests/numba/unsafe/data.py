"""Kernels that are wrong whatever their authors had in mind; `unproved/data.py` has the others."""

import numpy as np

from numba import cuda


@cuda.jit
def count_rows(offsets, starts, out):
    row = cuda.grid(1)
    if row < starts.size - 1:
        for k in range(starts[row], starts[row + 1]):
            out[k % 4] = offsets[row]  # error: [OX102]


@cuda.jit
def add_to_bins(bins, weights, sums, n):
    i = cuda.grid(1)
    if i < n:
        sums[bins[i]] += weights[i]  # error: [OX102]  # also:


@cuda.jit
def true_range(is_first, high, low, close, out):
    i = cuda.grid(1)
    if i < out.size:
        if is_first[i] == 1:
            out[i] = 0
        else:
            out[i] = max(high[i], close[i + close.size]) - low[i]  # error: [OX301]


@cuda.jit
def voted(out):
    i = cuda.grid(1)
    if i < out.size - 8:
        out[i] = cuda.all_sync(0xFFFFFFFF, 1)  # error: [OX203]


@cuda.jit
def matrix(a, b, c):
    column, row = cuda.grid(2)
    total = 0
    for i in range(a.shape[0]):
        total += a[row][i] + b[0][0]  # error: [OX301]  # also:
    c[row][column] = total  # error: [OX301]  # also:


def multiply(a, b):
    matrix[(2, 2), (2, 2)](np.ones((3, 3)), np.ones((3, 3)), np.zeros((3, 3)))


@cuda.jit
def reversed_by_blocks(a, out):
    kept = cuda.shared.array(64, np.float64)
    i = cuda.grid(1)
    kept[cuda.threadIdx.x] = a[i]
    cuda.syncthreads()
    out[i] = kept[i]  # error: [OX301]


def reverse():
    reversed_by_blocks[4, 64](np.ones(256), np.zeros(256))


@cuda.jit
def laid_out(phases, picture):
    i = cuda.grid(1)
    if i < picture.size:
        row, column = divmod(i, picture.shape[1])
        picture[row, column] = phases[row, column]  # error: [OX301]


def lay_out():
    picture = cuda.to_device(np.zeros((64, 64), dtype=complex))
    laid_out[16, 256](np.zeros((60, 60)), picture)


@cuda.jit(device=True)  # noqa: RET503
def first_below(values, limit):
    for i in range(values.size):
        if values[i] < limit:
            return i


@cuda.jit
def marked(values, out):
    i = cuda.grid(1)
    if i < out.size:
        out[i] = first_below(values, i)  # error: [OX303] "this call returns"


def mark():
    marked[1, 64](np.ones(0), np.zeros(64))
