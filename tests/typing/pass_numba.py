"""A program for Numba that runs with Oxide: nothing in it is complained about."""

import math

import numpy as np

from oxide.numba import cuda, float32, int32, types, void
from oxide.numba.cuda.random import create_xoroshiro128p_states, xoroshiro128p_uniform_float32

TILE = 16


@cuda.jit
def matmul(a, b, c):
    tile = cuda.shared.array((TILE, TILE), dtype=float32)
    scratch = cuda.local.array(4, float32)
    x, y = cuda.grid(2)
    tx = cuda.threadIdx.x
    if x < c.shape[0] and y < c.shape[1]:
        scratch[0] = float32(0)
        tile[tx, cuda.threadIdx.y] = a[x, y]
        cuda.syncthreads()
        cuda.atomic.add(c, (x, y), math.sqrt(b[x, y]) * cuda.blockDim.x)


@cuda.jit(device=True)
def helper(x: float, y: float) -> float:
    return x + y


@cuda.jit(void(float32[:], int32), fastmath=True)
def declared(x, n):
    i = cuda.grid(1)
    if i < n:
        x[i] = helper(x[i], 1) + xoroshiro128p_uniform_float32(x, i)


def main() -> None:
    a = np.ones((32, 32), dtype=np.float32)
    d = cuda.to_device(a)
    out = cuda.device_array((32, 32), dtype=np.float32)
    stream = cuda.stream()
    matmul[(2, 2), (16, 16)](d, d, out)
    matmul[2, 16, stream, 0](d, d, out)
    declared.forall(10)(d[0], 10)
    start, end = cuda.event(), cuda.event()
    start.record(stream=stream)
    end.record(stream=stream)
    end.synchronize()
    print(cuda.event_elapsed_time(start, end), out.copy_to_host()[0], d.shape[0], types.float32)
    states = create_xoroshiro128p_states(10, seed=1)
    with stream.auto_synchronize():
        out[1:, :].copy_to_host(stream=stream)
    cuda.synchronize()
    print(states.size, cuda.get_current_device().MULTIPROCESSOR_COUNT, cuda.gpus[0].name)
