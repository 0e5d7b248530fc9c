"""Threads that store to one element what is unknown, and depends on who they are."""

import numpy as np
from elsewhere import mystery

from numba import cuda


@cuda.jit
def of_the_thread(out, x):
    out[0] = np.nextafter(x[cuda.threadIdx.x], 2.0)  # error: [OX102]


@cuda.jit
def of_nobody_knows_what(out, x):
    out[0] = mystery(x[0])  # error: [OX102]


@cuda.jit
def of_the_round(out, x):
    for k in range(4):
        out[k + cuda.threadIdx.x] = np.nextafter(x[k] + cuda.threadIdx.x, 2.0)  # error: [OX102]


of_the_thread[4, 32](np.zeros(1), np.zeros(32))
of_nobody_knows_what[4, 32](np.zeros(1), np.zeros(32))
of_the_round[1, 32](np.zeros(64), np.zeros(32))
