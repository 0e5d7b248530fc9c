"""Threads that store to one element what is unknown, and the same for all of them."""

import numpy as np

from numba import cuda


@cuda.jit
def lengths(out, rows):
    out[0] = len(rows)
    out[1] = len(rows[0])
    out[2] = rows[1].size


@cuda.jit
def perhaps_none(out, x):
    out[0] = x[0] if x[0] is not None else 999.0


@cuda.jit
def fields(out, x):  # proved, with a stated fact
    first = x[0]
    out[0] = first["left"]
    out[1] = np.nextafter(x[1], 2.0)


lengths[4, 32](np.zeros(3), np.zeros((2, 5)))
perhaps_none[4, 32](np.zeros(1), np.zeros(1))
