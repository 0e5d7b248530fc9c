"""Numbers that go through helpers: what is an integer in one of them is one in the other."""

import numpy as np

from numba import cuda


@cuda.jit(device=True)
def here():
    return cuda.threadIdx.x + cuda.blockIdx.x * cuda.blockDim.x


@cuda.jit(device=True)
def row_and_column(i, width):
    return i // width, i % width


@cuda.jit(device=True)
def place(row, column, pitch):
    return row * pitch + column


@cuda.jit
def guarded_by_a_helper(out, limit):
    if here() < limit:
        out[here()] = 1.0


@cuda.jit
def taken_apart(out, width, height):
    row, column = row_and_column(cuda.grid(1), width)
    if row < height:
        out[row, column] = 1.0


@cuda.jit
def put_together(out, start):
    out[place(0, cuda.threadIdx.x, start)] = start


@cuda.jit
def sized_by_names(a, out):
    rows = 32
    shape = rows, rows + 1
    tile = cuda.shared.array(shape, "float64")
    x, y = cuda.threadIdx.x, cuda.threadIdx.y
    if x < rows and y < rows:
        tile[y, x] = a[y, x]
    cuda.syncthreads()
    if x < rows and y < rows:
        out[x, y] = tile[y, x]


sized_by_names[1, (32, 32)](np.ones((32, 32)), np.zeros((32, 32)))


@cuda.jit(device=True)
def row_of(a, i):
    return a[i]


@cuda.jit
def doubled_rows(a, out):
    i = cuda.grid(1)
    if i < a.shape[0] and i < out.shape[0] and out.shape[1] == a.shape[1]:
        row, own = row_of(a, i), row_of(out, i)
        for j in range(row.size):
            own[j] = row[j] * 2


doubled_rows[2, 32](np.ones((64, 4)), np.zeros((64, 4)))
