"""States of xoroshiro128+ generators, seeded as Numba seeds them.

    states = create_xoroshiro128p_states(64 * 256, seed=1)

The first state comes from the seed by splitmix64; each further one is 2**64 steps ahead of the one
before. A step is linear over GF(2), so 2**64 of them are a matrix of 128 by 128 bits, and 2**64 * m
its power: all states are made by doubling, n of them by log2(n) products. A product is done byte by
byte: for each of the 16 bytes of a state a table says what it adds.
"""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np

if TYPE_CHECKING:
    from oxide_codegen.numba.arrays import DeviceNDArray

Words: TypeAlias = "np.ndarray[Any, np.dtype[np.uint64]]"

_LOW = (1 << 64) - 1
_JUMP = (0xBEAC0467EBA5FACB, 0xD86B048B86AA9922)

xoroshiro128p_dtype = np.dtype([("s0", np.uint64), ("s1", np.uint64)], align=True)


def create_xoroshiro128p_states(
    n: int, seed: int, subsequence_start: int = 0, stream: Any = 0
) -> DeviceNDArray:
    """`n` states on the current device, 2**64 numbers apart."""
    from oxide_codegen.numba.arrays import to_device

    states = np.empty(n, xoroshiro128p_dtype)
    init_xoroshiro128p_states_cpu(states, seed, subsequence_start)
    return to_device(states, stream=stream)


def init_xoroshiro128p_states(
    states: DeviceNDArray, seed: int, subsequence_start: int = 0, stream: Any = 0
) -> None:
    """Overwrite states on the device."""
    made = np.empty(states.shape[0], xoroshiro128p_dtype)
    init_xoroshiro128p_states_cpu(made, seed, subsequence_start)
    states.copy_to_device(made, stream)


def init_xoroshiro128p_states_cpu(
    states: np.ndarray[Any, Any], seed: int, subsequence_start: int = 0
) -> None:
    """Overwrite states in host memory."""
    n = states.shape[0]
    if not n:
        return
    first = _splitmix(int(seed) & _LOW)
    made = np.empty((n, 2), np.uint64)
    made[0] = first, first
    power, step = 1, _jump()
    start = int(subsequence_start)
    while start:
        if start & 1:
            made[:1] = _times(step, made[:1])
        start >>= 1
        step = _times(step, step) if start else step
    step = _jump()
    while power < n:
        count = min(power, n - power)
        made[power : power + count] = _times(step, made[:count])
        power += count
        if power < n:
            step = _times(step, step)
    states["s0"], states["s1"] = made[:, 0], made[:, 1]


def _splitmix(seed: int) -> int:
    z = (seed + 0x9E3779B97F4A7C15) & _LOW
    z = ((z ^ (z >> 30)) * 0xBF58476D1CE4E5B9) & _LOW
    z = ((z ^ (z >> 27)) * 0x94D049BB133111EB) & _LOW
    return z ^ (z >> 31)


def _next(s0: int, s1: int) -> tuple[int, int]:
    s1 ^= s0
    return (_rotated(s0, 55) ^ s1 ^ ((s1 << 14) & _LOW)), _rotated(s1, 36)


def _rotated(x: int, k: int) -> int:
    return ((x << k) | (x >> (64 - k))) & _LOW


@cache
def _jump() -> Words:
    """What 2**64 steps make of each of the 128 states with one bit."""
    found = np.empty((128, 2), np.uint64)
    for bit in range(128):
        state = (1 << bit & _LOW, 1 << bit >> 64)
        s0 = s1 = 0
        for word in _JUMP:
            for place in range(64):
                if word >> place & 1:
                    s0 ^= state[0]
                    s1 ^= state[1]
                state = _next(*state)
        found[bit] = s0, s1
    return found


def _times(matrix: Words, states: Words) -> Words:
    """The matrix applied to each state."""
    tables = np.zeros((16, 256, 2), np.uint64)
    for byte in range(16):
        for bit in range(8):
            size = 1 << bit
            tables[byte, size : 2 * size] = tables[byte, :size] ^ matrix[8 * byte + bit]
    pieces = np.ascontiguousarray(states).view(np.uint8).reshape(-1, 16)
    result = np.zeros_like(states)
    for byte in range(16):
        result ^= tables[byte, pieces[:, byte]]
    return result
