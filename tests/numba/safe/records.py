"""Arrays of records: fields apart from each other, nested ones, random states."""

import numpy as np
from numba.cuda.random import create_xoroshiro128p_states, xoroshiro128p_uniform_float32

from numba import cuda

particle = np.dtype([("x", np.float32), ("v", np.float32, (3,)), ("cell", np.int32)], align=True)
cell = np.dtype([("count", np.int32), ("at", particle)])


@cuda.jit
def moved(p, dt):
    i = cuda.grid(1)
    if i < p.size:
        one = p[i]
        for k in range(3):
            one.v[k] *= np.float32(0.5)
        one.x += dt * one.v[0]
        p[i]["cell"] = int(one.x)


@cuda.jit
def fields_apart(p):
    """Thread 2 i writes `x` of a record, thread 2 i + 1 its `cell`."""
    i = cuda.grid(1)
    k = i // 2
    if k < p.size:
        if i % 2 == 0:
            p[k].x = 1.0
        else:
            p[k].cell = 2


@cuda.jit
def items_apart(p):
    """Three threads write the three numbers of one field."""
    i = cuda.grid(1)
    k = i // 3
    if k < p.size:
        p[k].v[i % 3] = 0.0


@cuda.jit
def nested(cells, out):
    i = cuda.grid(1)
    if i < out.size:
        cells[i].at.x = cells[i].count
        cells[i].count += 1
        out[i] = cells[i].at.x


@cuda.jit
def reversed_copy(p, q):
    i = cuda.grid(1)
    if i < p.size:
        q[p.size - 1 - i] = p[i]


@cuda.jit
def staged(p, out):
    tile = cuda.shared.array(128, dtype=particle)
    t = cuda.threadIdx.x
    i = cuda.grid(1)
    tile[t]["x"] = p[i].x if i < p.size else 0
    cuda.syncthreads()
    if i < out.size:
        out[i] = tile[127 - t]["x"]


@cuda.jit
def tallied(p, chosen):
    i = cuda.grid(1)
    if i < chosen.size and 0 <= chosen[i] < p.size:
        cuda.atomic.add(p["cell"], chosen[i], 1)


@cuda.jit
def noise(states, out):
    for i in range(cuda.grid(1), out.size, cuda.gridsize(1)):
        out[i] = xoroshiro128p_uniform_float32(states, cuda.grid(1))


def main():
    n = 10_000
    p = cuda.to_device(np.zeros(n, particle))
    q = cuda.device_array_like(p)
    blocks = (n + 127) // 128
    moved[blocks, 128](p, np.float32(0.5))
    fields_apart[2 * blocks, 128](p)
    items_apart[3 * blocks, 128](p)
    out = cuda.device_array(n, np.float32)
    nested[blocks, 128](cuda.to_device(np.zeros(n, dtype=cell)), out)
    reversed_copy[blocks, 128](p, q)
    staged[blocks, 128](p, out)
    tallied[blocks, 128](p, cuda.to_device(np.zeros(n, np.int32)))
    states = create_xoroshiro128p_states(32 * 128, seed=1)
    noise[32, 128](states, out)
