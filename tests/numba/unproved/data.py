"""Kernels that are right for the data and sizes that their authors had in mind, which nobody says.

None of them is an error: each has a twin in `unsafe/data.py` that is.
"""

import numpy as np

import numba
from numba import cuda


@cuda.jit
def slice_rows(offsets, elements, starts, out):
    row = cuda.grid(1)
    if row < starts.size - 1:
        at = offsets[row]
        for k in range(starts[row], starts[row + 1]):
            out[k] = elements[at]
            at += 1


@cuda.jit
def sort_into_bins(bins, bin_starts, places, order, n):
    i = cuda.grid(1)
    if i < n:
        order[bin_starts[bins[i]] + places[i]] = i


@cuda.jit
def true_range(is_first, high, low, close, out):
    i = cuda.grid(1)
    if i < out.size:
        if is_first[i] == 1:
            out[i] = 0
        else:
            out[i] = max(high[i], close[i - 1]) - min(low[i], close[i - 1])


@cuda.jit
def window(values, out, length):  # proved, with a stated fact
    shared = cuda.shared.array(shape=0, dtype=numba.float64)
    i = cuda.grid(1)
    t = cuda.threadIdx.x
    if i < values.size:
        shared[t + length - 1] = values[i]
    cuda.syncthreads()
    if i < out.size:
        out[i] = 0.0


@cuda.jit
def voted(masks, out):
    i = cuda.grid(1)
    if i < masks.size:
        out[i] = cuda.all_sync(masks[i], 1)


@cuda.jit
def matrix(a, b, c):  # proved, with a stated fact
    column, row = cuda.grid(2)
    total = 0
    for i in range(a.shape[0]):
        total += a[row][i] * b[i][column]
    c[row][column] = total


def multiply(a, b, side):
    matrix[(2, 2), (2, 2)](a, b, np.zeros((side, side)))


@cuda.jit
def tail(a, out):  # proved, with a stated fact
    i = cuda.grid(1)
    if i < out.size:
        last = a[i * 8 : (i + 1) * 8]
        total = 0
        for k in range(last.size):
            total += last[k]
        out[i] = total


@cuda.jit
def reversed_by_one_block(a):  # proved, with a stated fact
    kept = cuda.shared.array(64, numba.float64)
    i = cuda.grid(1)
    kept[i] = a[i]
    cuda.syncthreads()
    a[63 - i] = kept[i]


@numba.njit
def place_of(x, low, high, count):
    found = int((x - low) / (high - low) * count)
    if found < 0 or found >= count:
        return None
    return found


@cuda.jit
def counted(x, low, high, counts):  # proved, with a stated fact
    for i in range(cuda.grid(1), x.size, cuda.gridsize(1)):
        found = place_of(x[i], low, high, counts.size)
        if found is not None and 0 <= found < counts.size:
            cuda.atomic.add(counts, found, 1)


def transposing(rows, columns):
    @cuda.jit
    def transposed(a, b):
        tile = cuda.shared.array((rows, columns), numba.float64)
        tx, ty = cuda.threadIdx.x, cuda.threadIdx.y
        x = cuda.blockIdx.x * cuda.blockDim.x
        y = cuda.blockIdx.y * cuda.blockDim.y
        if y + ty < a.shape[0] and x + tx < a.shape[1]:
            tile[ty, tx] = a[y + ty, x + tx]
        cuda.syncthreads()
        if x + ty < b.shape[0] and y + tx < b.shape[1]:
            b[x + ty, y + tx] = tile[tx, ty]

    return transposed


def first_rows(n):
    rows = cuda.to_device(np.random.rand(n, 3))
    out = cuda.device_array_like(rows)
    written[32, 64](rows, out)


@cuda.jit
def written(rows, out):  # proved, with a stated fact
    for i in range(cuda.grid(1), rows.shape[0], cuda.gridsize(1)):
        out[i, 0] = i


@cuda.jit
def by_unknown_place(x, out):
    i = somewhere.grid(1)  # noqa: F821
    if i < out.size:
        out[i // 2] = x[i]


@cuda.jit
def mask_by_tiles(boxes, mask, count):
    row, column = cuda.blockIdx.y, cuda.blockIdx.x
    t = cuda.threadIdx.x
    tiles = (count + 63) // 64
    if row * 64 + t < count:
        mask[(row * 64 + t) * tiles + column] = boxes[row * 64 + t, 0] > 0


@cuda.jit
def laid_out(phases, picture):  # proved, with a stated fact
    i = cuda.grid(1)
    if i < picture.size:
        row, column = divmod(i, picture.shape[1])
        picture[row, column] = phases[row, column]


def lay_out(shape, other):
    picture = cuda.to_device(np.zeros(shape, dtype=complex))
    laid_out[(picture.size + 255) // 256, 256](np.zeros(other), picture)


@cuda.jit
def left_behind(out, n):
    tile = cuda.shared.array(8, numba.int32)
    t, i = cuda.threadIdx.x, cuda.grid(1)
    if i >= n:
        return
    tile[t] = 1
    cuda.syncthreads()
    if t == 0 and i < out.size:
        out[i] = tile[4]


def leave(out, n, blocks):
    left_behind[blocks, 8](out, n)
