"""Races on complex numbers and records: one field, one number, bytes that fields share."""

import numpy as np
from numba.cuda.random import create_xoroshiro128p_states, xoroshiro128p_uniform_float32

from numba import complex64, cuda

particle = np.dtype([("x", np.float32), ("v", np.float32, (3,)), ("cell", np.int32)])
union = np.dtype(
    {"names": ["word", "low"], "formats": [np.uint32, np.uint16], "offsets": [0, 0], "itemsize": 4}
)


@cuda.jit
def same_field(p):
    i = cuda.grid(1)
    k = i // 2
    if k < p.size:
        p[k].cell = i  # error: [OX102]


@cuda.jit
def same_item(p):
    i = cuda.grid(1)
    k = i // 4
    if k < p.size:
        p[k].v[i % 3] = i  # error: [OX102]


@cuda.jit
def shared_bytes(p):
    i = cuda.grid(1)
    k = i // 2
    if k < p.size:
        if i % 2 == 0:
            p[k].word = 70000  # also:
        else:
            p[k].low = 7  # error: [OX102]


@cuda.jit
def neighbours(c):
    i = cuda.grid(1)
    if i + 1 < c.size:
        c[i] += c[i + 1]  # error: [OX103]  # also:


@cuda.jit
def one_part(c):
    i = cuda.grid(1)
    k = i // 2
    if k < c.size:
        c.real[k] = i  # error: [OX102]


@cuda.jit
def total(c, out):
    i = cuda.grid(1)
    if i < c.size:
        out[0] += c[i]  # error: [OX102]


@cuda.jit
def unsynchronised(c, out):
    tile = cuda.shared.array(64, complex64)
    t = cuda.threadIdx.x
    i = cuda.grid(1)
    if i < c.size:
        tile[t] = c[i]  # error: [OX104]
        if t > 0:
            out[i] = tile[t - 1]  # also:


@cuda.jit
def whole_records(p):
    i = cuda.grid(1)
    if i + 1 < p.size:
        p[i + 1] = p[i]  # error: [OX103]  # also:


@cuda.jit
def no_guard(p):
    i = cuda.grid(1)
    p[i].x = 1.0  # error: [OX301]


@cuda.jit
def outside_of_a_field(p):
    i = cuda.grid(1)
    if i < p.size:
        p[i].v[i % 4] = 0.0  # error: [OX301]


@cuda.jit
def one_state(states, out):
    i = cuda.grid(1)
    if i < out.size:
        out[i] = xoroshiro128p_uniform_float32(states, i // 2)  # error: [OX102]


def main():
    n = 10_000
    p = cuda.to_device(np.zeros(n, particle))
    c = cuda.to_device(np.zeros(n, np.complex64))
    blocks = (n + 63) // 64
    same_field[2 * blocks, 64](p)
    same_item[4 * blocks, 64](p)
    shared_bytes[2 * blocks, 64](cuda.to_device(np.zeros(n, union)))
    neighbours[blocks, 64](c)
    one_part[2 * blocks, 64](c)
    total[blocks, 64](c, cuda.device_array(1, np.complex64))
    unsynchronised[blocks, 64](c, cuda.device_array(n, np.complex64))
    whole_records[blocks, 64](p)
    no_guard[blocks, 64](p)
    outside_of_a_field[blocks, 64](p)
    one_state[blocks, 64](create_xoroshiro128p_states(n, 1), cuda.device_array(n, np.float32))
