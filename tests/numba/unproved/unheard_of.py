"""What nobody knows decides who comes to a barrier, who is in a mask, which row is written."""

import numpy as np

from numba import cuda


@cuda.jit
def by_a_function_that_numpy_has_not(out):
    t = cuda.threadIdx.x
    if np.frobnicate(t):
        cuda.syncthreads()
    out[t] = 1.0


@cuda.jit
def by_an_intrinsic_of_tomorrow(out, n):
    t = cuda.threadIdx.x
    if cuda.unheard_of(n) > 3:
        cuda.syncthreads()
    out[t] = 1.0


@cuda.jit
def as_often_as_an_intrinsic_says(out, n):
    t = cuda.threadIdx.x
    for _ in range(cuda.unheard_of(n)):
        cuda.syncthreads()
    out[t] = 1.0


@cuda.jit
def by_chance(out, n):
    t = cuda.threadIdx.x
    if np.random.randint(n) == 0:
        cuda.syncthreads()
    out[t] = 1.0


@cuda.jit
def where_chance_has_it(out, n):
    out[np.random.randint(n)] = cuda.threadIdx.x


@cuda.jit(device=True)
def cleared(row):
    for k in range(row.size):
        row[k] = 0.0


@cuda.jit
def rows_in_some_order(a, order):
    i = cuda.grid(1)
    if i < order.size:
        cleared(a[order[i]])


@cuda.jit
def halves_of_rows_in_some_order(a, order):
    i = cuda.grid(1)
    if i < order.size:
        row = a[order[i]]
        cleared(row[: row.size // 2])


@cuda.jit
def barrier_for_who_is_there(out):
    t = cuda.threadIdx.x
    if cuda.activemask() == 0xFFFFFFFF:
        cuda.syncthreads()
    out[t] = 1.0


@cuda.jit
def warp_barrier_for_who_is_there(tile, out):
    t = cuda.threadIdx.x
    if t < 20:
        tile[t] = 1.0
        cuda.syncwarp(cuda.activemask())
        out[t] = tile[(t + 1) % 20]


@cuda.jit
def shuffle_among_who_is_there(x, out):
    t = cuda.threadIdx.x
    if x[t] > 0:
        lanes = cuda.activemask()
        out[t] = cuda.shfl_down_sync(lanes, x[t], 1)


@cuda.jit
def one_element_for_who_is_there(out):
    t = cuda.threadIdx.x
    if cuda.popc(cuda.activemask()) == 32:
        out[t // 32] = t


@cuda.jit
def leader_of_who_is_there(out):
    t = cuda.threadIdx.x
    if t % 2 == 0:
        if cuda.ffs(cuda.activemask()) - 1 == cuda.laneid:
            out[0] = t
