"""Sorting and selecting: networks, counting, ranks, compaction."""

import numpy as np

from numba import cuda, float32, int32

BLOCK = 256


@cuda.jit
def bitonic_block(values):
    s = cuda.shared.array(BLOCK, float32)
    t = cuda.threadIdx.x
    base = cuda.blockIdx.x * BLOCK
    s[t] = values[base + t]
    cuda.syncthreads()
    k = 2
    while k <= BLOCK:
        j = k // 2
        while j > 0:
            other = t ^ j
            if other > t:
                a, b = s[t], s[other]
                if (a > b) == ((t & k) == 0):
                    s[t] = b
                    s[other] = a
            cuda.syncthreads()
            j //= 2
        k *= 2
    values[base + t] = s[t]


@cuda.jit
def odd_even(values, phase):
    i = 2 * cuda.grid(1) + phase
    if i + 1 < values.size:
        if values[i] > values[i + 1]:
            values[i], values[i + 1] = values[i + 1], values[i]


@cuda.jit
def ranks(values, rank):
    i = cuda.grid(1)
    if i < values.size:
        below = 0
        for j in range(values.size):
            if values[j] < values[i] or (values[j] == values[i] and j < i):
                below += 1
        rank[i] = below


@cuda.jit
def digit_counts(keys, shift, counts):
    digits = cuda.shared.array(16, int32)
    t = cuda.threadIdx.x
    if t < 16:
        digits[t] = 0
    cuda.syncthreads()
    i = cuda.grid(1)
    if i < keys.size:
        cuda.atomic.add(digits, (keys[i] >> shift) & 15, 1)
    cuda.syncthreads()
    if t < 16:
        counts[t, cuda.blockIdx.x] = digits[t]


@cuda.jit
def flags_of(values, limit, flags):
    i = cuda.grid(1)
    if i < values.size:
        flags[i] = 1 if values[i] > limit else 0


@cuda.jit
def top_k(scores, k, best):
    """One row for each thread, its largest k by insertion into its own row."""
    row = cuda.grid(1)
    if row >= scores.shape[0]:
        return
    for column in range(scores.shape[1]):
        value = scores[row, column]
        place = k - 1
        while place >= 0 and best[row, place] < value:
            if place + 1 < k:
                best[row, place + 1] = best[row, place]
            best[row, place] = value
            place -= 1


@cuda.jit
def reverse_in_place(values):
    i = cuda.grid(1)
    n = values.size
    if i < n // 2:
        low, high = values[i], values[n - 1 - i]
        values[i] = high
        values[n - 1 - i] = low


def sort(n):
    values = cuda.to_device(np.random.rand(n * BLOCK).astype(np.float32))
    bitonic_block[n, BLOCK](values)
    more = cuda.to_device(np.random.rand(n))
    for step in range(n):
        odd_even[(n // 2 + BLOCK - 1) // BLOCK, BLOCK](more, step % 2)
    blocks = (n + BLOCK - 1) // BLOCK
    rank = cuda.device_array(n, dtype=np.int64)
    ranks[blocks, BLOCK](more, rank)
    keys = cuda.to_device(np.zeros(n, dtype=np.int32))
    counts = cuda.device_array((16, blocks), dtype=np.int32)
    for shift in (0, 4, 8, 12):
        digit_counts[blocks, BLOCK](keys, shift, counts)
    flags = cuda.device_array(n, dtype=np.int32)
    flags_of[blocks, BLOCK](more, 0.5, flags)
    reverse_in_place[blocks, BLOCK](more)
    scores = cuda.device_array((n, 100), dtype=np.float32)
    best = cuda.to_device(np.full((n, 5), -1.0, dtype=np.float32))
    top_k[blocks, BLOCK](scores, 5, best)
