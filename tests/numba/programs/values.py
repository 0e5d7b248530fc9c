"""Values of several numbers: complex ones, records, states of random generators; locks."""

import math

import numpy as np
from numba.cuda.random import (
    create_xoroshiro128p_states,
    xoroshiro128p_normal_float32,
    xoroshiro128p_uniform_float32,
    xoroshiro128p_uniform_float64,
)

from numba import cuda, float32

particle = np.dtype([("x", np.float32), ("v", np.float32, (2,)), ("hits", np.int32)], align=True)
WEIGHTS = np.linspace(0, 1, 8)


@cuda.jit
def julia(z, c, out):
    i = cuda.grid(1)
    if i < z.shape[0]:
        value = z[i]
        count = 0
        while abs(value) < 2 and count < 60:
            value = value * value + c
            count += 1
        out[i] = count
        z[i] = value / (1 + 2j) + value.conjugate() - value.real * 1j


@cuda.jit
def moved(particles, dt):
    i = cuda.grid(1)
    if i < particles.size:
        particles[i].x += particles[i].v[0] * dt
        particles[i]["v"][1] = particles[i].x * 2
        if particles[i].x > 0:
            particles[i].hits += 1


@cuda.jit
def uniform(states, out):
    i = cuda.grid(1)
    if i < out.shape[0]:
        for k in range(out.shape[1]):
            out[i, k] = xoroshiro128p_uniform_float32(states, i)


@cuda.jit
def estimate(states, rounds, out):
    i = cuda.grid(1)
    inside = 0
    for _ in range(rounds):
        x = xoroshiro128p_uniform_float64(states, i)
        y = xoroshiro128p_uniform_float64(states, i)
        if x * x + y * y <= 1.0:
            inside += 1
    out[i] = 4.0 * inside / rounds


@cuda.jit
def normal(states, out):
    i = cuda.grid(1)
    if i < out.size:
        out[i] = xoroshiro128p_normal_float32(states, i)


@cuda.jit
def weighted(x, out):
    weights = cuda.const.array_like(WEIGHTS)
    i = cuda.grid(1)
    if i < out.size:
        total = 0.0
        for k in range(weights.size):
            total += weights[k] * x[i + k]
        out[i] = total


@cuda.jit
def scanned(x, out):
    shared = cuda.shared.array(64, float32)
    t = cuda.threadIdx.x
    shared[t] = x[cuda.grid(1)]
    cuda.syncthreads()
    step = 1
    while step < 64:
        value = shared[t - step] if t >= step else float32(0)
        cuda.syncthreads()
        shared[t] += value
        cuda.syncthreads()
        step *= 2
    out[cuda.grid(1)] = shared[t]


@cuda.jit
def locked(lock, total):
    if cuda.threadIdx.x == 0:
        while cuda.atomic.cas(lock, 0, 0, 1) != 0:
            pass
        cuda.threadfence()
        total[0] += 1
        cuda.threadfence()
        cuda.atomic.exch(lock, 0, 0)


def main():
    found = {}
    rng = np.random.default_rng(3)
    for dtype in (np.complex64, np.complex128):
        z = (rng.standard_normal(100) + 1j * rng.standard_normal(100)).astype(dtype)
        out = np.zeros(100, np.int32)
        julia[1, 128](z, -0.4 + 0.6j, out)
        found[f"julia {dtype.__name__}"] = out
    z = (rng.standard_normal(64) * 0.1 + 1j * rng.standard_normal(64) * 0.1).astype(np.complex128)
    julia[1, 64](z, 0.1j, np.zeros(64, np.int32))
    found["values"] = z
    particles = np.zeros(50, particle)
    particles["x"], particles["v"] = rng.standard_normal(50), rng.standard_normal((50, 2))
    moved[1, 64](particles, np.float32(0.5))
    for name in ("x", "v", "hits"):
        found[f"particles.{name}"] = np.ascontiguousarray(particles[name])
    states = create_xoroshiro128p_states(128, seed=42)
    found["s0"] = states.copy_to_host()["s0"].copy()
    found["s1"] = states.copy_to_host()["s1"].copy()
    out = np.zeros((100, 5), np.float32)
    uniform[2, 64](states, out)
    found["uniform"] = out
    out = np.zeros(128)
    estimate[2, 64](states, 50, out)
    found["estimate"] = out
    states = create_xoroshiro128p_states(64, seed=7, subsequence_start=3)
    out = np.zeros(64, np.float32)
    normal[1, 64](states, out)
    found["normal"] = out
    out = np.zeros(64)
    weighted[1, 64](rng.standard_normal(72), out)
    found["weighted"] = out
    out = np.zeros(128, np.float32)
    scanned[2, 64](rng.standard_normal(128).astype(np.float32), out)
    found["scanned"] = out
    total = np.zeros(1)
    locked[32, 32](np.zeros(1, np.int32), total)
    found["locked"] = total
    found["pi"] = np.array([math.pi])
    return found
