"""Prices of options: closed forms, paths at random, trees in shared memory."""

import math

import numpy as np
from numba.cuda.random import create_xoroshiro128p_states, xoroshiro128p_normal_float32

from numba import cuda, float32, float64

STEPS = 63
THREADS = 128


@cuda.jit(device=True)
def cnd(d):
    k = 1.0 / (1.0 + 0.2316419 * math.fabs(d))
    tail = math.exp(-0.5 * d * d) * k * (0.31938153 + k * (-0.356563782 + k * 1.781477937))
    return 1.0 - tail if d > 0 else tail


@cuda.jit
def black_scholes(call, put, price, strike, years, rate, volatility):
    i = cuda.grid(1)
    if i >= price.shape[0]:
        return
    s, x, t = price[i], strike[i], years[i]
    root = math.sqrt(t)
    d1 = (math.log(s / x) + (rate + 0.5 * volatility * volatility) * t) / (volatility * root)
    d2 = d1 - volatility * root
    discount = math.exp(-rate * t)
    call[i] = s * cnd(d1) - x * discount * cnd(d2)
    put[i] = x * discount * cnd(-d2) - s * cnd(-d1)


@cuda.jit
def asian_paths(states, paths, start, drift, spread):
    i = cuda.grid(1)
    if i < paths.shape[1]:
        s = start
        for step in range(paths.shape[0]):
            s *= math.exp(drift + spread * xoroshiro128p_normal_float32(states, i))
            paths[step, i] = s


@cuda.jit
def payoff_means(paths, strike, sums):
    tile = cuda.shared.array(THREADS, float32)
    t = cuda.threadIdx.x
    total = 0.0
    for path in range(cuda.grid(1), paths.shape[1], cuda.gridsize(1)):
        mean = 0.0
        for step in range(paths.shape[0]):
            mean += paths[step, path]
        total += max(mean / paths.shape[0] - strike, 0.0)
    tile[t] = total
    cuda.syncthreads()
    s = THREADS // 2
    while s > 0:
        if t < s:
            tile[t] += tile[t + s]
        cuda.syncthreads()
        s >>= 1
    if t == 0:
        cuda.atomic.add(sums, 0, tile[0])


@cuda.jit
def american_put(spot, strike, up, discount, p, out):
    """One option for each block, one node of the tree for each thread."""
    values = cuda.shared.array(STEPS + 1, float64)
    node = cuda.threadIdx.x
    option = cuda.blockIdx.x
    s = spot[option] * math.pow(up, 2.0 * node - STEPS)
    values[node] = max(strike[option] - s, 0.0)
    cuda.syncthreads()
    for level in range(STEPS, 0, -1):
        kept = 0.0
        if node < level:
            kept = discount * (p * values[node + 1] + (1 - p) * values[node])
        cuda.syncthreads()
        if node < level:
            values[node] = kept
        cuda.syncthreads()
    if node == 0:
        out[option] = values[0]


@cuda.jit
def implied(price, spot, strike, years, out, rounds=20):
    i = cuda.grid(1)
    if i < out.size:
        low, high = 0.01, 2.0
        for _ in range(rounds):
            middle = 0.5 * (low + high)
            d = (math.log(spot[i] / strike[i]) + middle * years[i]) / middle
            if spot[i] * cnd(d) > price[i]:
                high = middle
            else:
                low = middle
        out[i] = low


def price(n, paths, steps):
    rng = np.random.default_rng(1)
    spot = rng.uniform(5.0, 30.0, n)
    strike = rng.uniform(1.0, 100.0, n)
    years = rng.uniform(0.25, 10.0, n)
    call, put = np.zeros(n), np.zeros(n)
    blocks = math.ceil(n / THREADS)
    black_scholes[blocks, THREADS](call, put, spot, strike, years, 0.02, 0.3)
    out = np.zeros(n)
    american_put[n, STEPS + 1](spot, strike, 1.01, 0.999, 0.51, out)
    implied.forall(n)(call, spot, strike, years, out)

    states = create_xoroshiro128p_states(paths, seed=1)
    walks = cuda.device_array((steps, paths), dtype=np.float32)
    asian_paths[(paths + THREADS - 1) // THREADS, THREADS](states, walks, 100.0, 0.0, 0.01)
    sums = cuda.to_device(np.zeros(1, dtype=np.float32))
    payoff_means[64, THREADS](walks, 100.0, sums)
    return call, put, out, sums.copy_to_host() / paths
