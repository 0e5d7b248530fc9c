"""Arrays that helpers return are the arrays that they were given."""

import numpy as np

from numba import cuda


@cuda.jit(device=True)
def first_row(a):
    return a[0]


@cuda.jit(device=True)
def part(a, start, size):
    return a[start : start + size]


@cuda.jit
def all_write_one_row(a):
    row = first_row(a)
    row[0] = cuda.threadIdx.x  # error: [OX102] "both write `a[0, 0]`"


@cuda.jit
def parts_overlap(a):
    own = part(a, cuda.threadIdx.x * 3, 4)
    for k in range(own.size):
        own[k] = cuda.threadIdx.x  # error: [OX102] "both write `a[3]`"


all_write_one_row[1, 32](np.zeros((4, 4)))
parts_overlap[1, 32](np.zeros(200))
