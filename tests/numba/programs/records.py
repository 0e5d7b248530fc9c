"""Arrays of records, and the random states that are records too."""

import math

import numpy as np
from numba.cuda.random import (
    create_xoroshiro128p_states,
    xoroshiro128p_normal_float32,
    xoroshiro128p_normal_float64,
    xoroshiro128p_uniform_float32,
    xoroshiro128p_uniform_float64,
)

from numba import cuda

N = 64
particle = np.dtype([("x", np.float32), ("y", np.float32), ("hits", np.int32)])
mixed = np.dtype([("tag", np.uint8), ("v", np.float32, (3,)), ("z", np.complex64)], align=True)
padded = np.dtype([("tag", np.uint8), ("w", np.float64), ("k", np.int16)], align=True)
nested = np.dtype([("id", np.int16), ("at", particle), ("flag", np.bool_)], align=True)


def particles():
    rng = np.random.default_rng(5)
    found = np.zeros(N, particle)
    found["x"], found["y"] = rng.standard_normal(N), rng.standard_normal(N)
    found["hits"] = np.arange(N)
    return found


@cuda.jit
def moved(p, dt):
    i = cuda.grid(1)
    if i < p.size:
        p[i].x += dt * p[i].hits
        p[i]["y"] = p[i]["x"] * 2
        one = p[i]
        one.hits = one.hits + 1


@cuda.jit
def by_columns(p, out):
    i = cuda.grid(1)
    if i < out.size:
        out[i] = p["x"][i] * p["y"][i] + p.hits[i]


@cuda.jit
def several(p, out):
    i = cuda.grid(1)
    if i < p.size:
        total = 0.0
        for k in range(3):
            total += float(p[i].v[k])
        p[i].z = p[i].z * 1j + total
        p[i].tag = i
        p[i].v[1] = 2.5
        out[i] = total


@cuda.jit
def tagged(p):
    i = cuda.grid(1)
    if i < p.size:
        p[i].w = p[i].w * 3 + p[i].tag
        p[i].k = p[i].k - 1


@cuda.jit
def inner(p, out):
    i = cuda.grid(1)
    if i < p.size:
        p[i].at.x = p[i].id * 0.5
        p[i].at.hits += 2
        out[i] = p[i].at.x + p[i].at.hits if p[i].flag else 0


@cuda.jit
def in_scratch(p, out):
    t = cuda.threadIdx.x
    tile = cuda.shared.array(32, dtype=particle)
    own = cuda.local.array(2, dtype=particle)
    i = cuda.grid(1)
    tile[t]["x"] = p[i].x if i < p.size else 0
    tile[t]["hits"] = p[i].hits if i < p.size else 0
    cuda.syncthreads()
    for k in range(2):
        own[k]["y"] = k + 0.5
    if i < p.size:
        other = t ^ 1
        out[i] = tile[other]["x"] * tile[other]["hits"] + own[1]["y"] - own[0]["y"]


@cuda.jit
def counted(p, chosen):
    i = cuda.grid(1)
    if i < chosen.size and 0 <= chosen[i] < p.size:
        cuda.atomic.add(p["hits"], chosen[i], 1)


@cuda.jit
def drawn(states, out):
    i = cuda.grid(1)
    if i < out.shape[0]:
        out[i, 0] = xoroshiro128p_uniform_float32(states, i)
        out[i, 1] = xoroshiro128p_uniform_float64(states, i)
        out[i, 2] = xoroshiro128p_normal_float32(states, i)
        out[i, 3] = xoroshiro128p_normal_float64(states, i)


@cuda.jit
def pi(states, rounds, out):
    i = cuda.grid(1)
    if i < out.size:
        inside = 0
        for _ in range(rounds):
            x = xoroshiro128p_uniform_float32(states, i)
            y = xoroshiro128p_uniform_float32(states, i)
            if math.sqrt(x * x + y * y) <= 1.0:
                inside += 1
        out[i] = 4.0 * inside / rounds


def columns(name, array, found):
    for field in array.dtype.names:
        if array.dtype[field].names:
            columns(f"{name} {field}", array[field], found)
        else:
            found[f"{name} {field}"] = array[field].copy()


def main():
    found = {}
    p = particles()
    moved[2, 32](p, np.float32(0.5))
    columns("moved", p, found)
    out = np.zeros(N)
    by_columns[2, 32](p, out)
    found["by_columns"] = out
    q = np.zeros(N, mixed)
    q["v"], q["z"] = np.arange(3 * N).reshape(N, 3), 1 + 2j
    out = np.zeros(N)
    several[2, 32](q, out)
    columns("several", q, found)
    found["several"] = out
    a = np.zeros(N, padded)
    a["w"], a["k"], a["tag"] = np.arange(N) * 0.25, np.arange(N), np.arange(N)
    tagged[2, 32](a)
    columns("tagged", a, found)
    n = np.zeros(N, nested)
    n["id"], n["flag"] = np.arange(N) * 7, np.arange(N) % 2 == 0
    out = np.zeros(N)
    inner[2, 32](n, out)
    columns("inner", n, found)
    found["inner"] = out
    out = np.zeros(N)
    in_scratch[2, 32](p, out)
    found["in_scratch"] = out
    counted[2, 32](p, (np.arange(N) % 7).astype(np.int32))
    found["counted"] = p["hits"].copy()
    states = create_xoroshiro128p_states(N, seed=7)
    out = np.zeros((N, 4))
    drawn[2, 32](states, out)
    found["uniform"] = out[:, :2].copy()
    found["normal"] = out[:, 2:].astype(np.float32)
    out = np.zeros(N)
    pi[2, 32](states, 10, out)
    found["pi"] = out
    return found
