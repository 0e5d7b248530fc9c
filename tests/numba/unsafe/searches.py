"""What the `else` of a loop does is done as well."""

import numpy as np

from numba import cuda


@cuda.jit
def last_without(out, n):
    i = cuda.grid(1)
    for j in range(n):
        if j == i:
            break
    else:
        out[0] = i  # error: [OX102]


@cuda.jit
def without_a_break(a, out, last):
    i = cuda.grid(1)
    if i < a.shape[0] and i < out.shape[0]:
        for j in range(3):
            out[i] += a[i] * j
        else:  # noqa: PLW0120
            last[0] = i  # error: [OX102]


@cuda.jit
def numbered_from_one(a, out):
    if cuda.grid(1) == 0:
        for k, x in enumerate(a, 1):
            out[k] = x  # error: [OX301]


def main(out):
    last_without[1, 32](out, 4)
    numbered_from_one[1, 32](np.ones(100), np.zeros(100))
