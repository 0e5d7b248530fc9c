"""Threads that write what others read or write: sums, neighbours, blocks that share a place."""

import numpy as np

from numba import cuda

THREADS = 32


@cuda.jit
def histogram(image, counts):
    i = cuda.grid(1)
    if i < image.size:
        counts[image[i]] += 1  # error: [OX102] "both write `counts["


@cuda.jit
def heat(u, alpha):
    i, j = cuda.grid(2)
    n, m = u.shape
    if 0 < i < n - 1 and 0 < j < m - 1:
        # error: [OX103]  # also:  # also:  # also:
        u[i, j] += alpha * (u[i - 1, j] + u[i + 1, j] + u[i, j - 1] + u[i, j + 1])


@cuda.jit
def floyd(distance, k):
    i, j = cuda.grid(2)
    n = distance.shape[0]
    if i < n and j < n:
        # error: [OX103]  # also:  # also:
        distance[i, j] = min(distance[i, j], distance[i, k] + distance[k, j])


@cuda.jit
def degrees(targets, degree):
    e = cuda.grid(1)
    if e < targets.size:
        v = targets[e]
        if 0 <= v < degree.size:
            degree[v] += 1  # error: [OX102]


@cuda.jit
def centres(points, label, sums):
    i = cuda.grid(1)
    if i < label.size:
        c = label[i]
        if 0 <= c < sums.shape[0]:
            for k in range(points.shape[1]):
                sums[c, k] += points[i, k]  # error: [OX102]


@cuda.jit
def compact(values, out, count):
    i = cuda.grid(1)
    if i < values.size and values[i] > 0:
        place = count[0]  # also:
        count[0] += 1  # error: [OX103]  # also:
        if 0 <= place < out.size:
            out[place] = values[i]  # also:


@cuda.jit
def mean(values, out):
    i = cuda.grid(1)
    if i < values.size:
        out[0] = out[0] + values[i]  # error: [OX102]  # also:


@cuda.jit
def prefix(values):
    i = cuda.grid(1)
    if 0 < i < values.size:
        values[i] += values[i - 1]  # error: [OX103]


@cuda.jit
def odd_even(values, phase):
    i = cuda.grid(1) + phase
    if i + 1 < values.size:
        if values[i] > values[i + 1]:  # also:  # also:
            # error: [OX103]  # also:  # also:  # also:  # also:
            values[i], values[i + 1] = values[i + 1], values[i]


@cuda.jit
def reverse(values):
    i = cuda.grid(1)
    n = values.size
    if i < n:
        values[i] = values[n - 1 - i]  # error: [OX103]


@cuda.jit
def ising(spins, beta):
    i, j = cuda.grid(2)
    n, m = spins.shape
    if i < n and j < m:
        around = spins[(i + 1) % n, j] + spins[(i + n - 1) % n, j]  # also:  # also:
        if beta * around * spins[i, j] < 0:
            spins[i, j] = -spins[i, j]  # error: [OX103]  # also:


@cuda.jit
def row_sums(matrix, out):
    i, j = cuda.grid(2)
    if i < matrix.shape[0] and j < matrix.shape[1]:
        out[i] += matrix[i, j]  # error: [OX102]


@cuda.jit
def partial(values, out):
    i = cuda.grid(1)
    total = 0.0
    for k in range(i, values.size, cuda.gridsize(1)):
        total += values[k]
    out[cuda.threadIdx.x] = total  # error: [OX105]


@cuda.jit
def smooth(values, rounds):
    i = cuda.grid(1)
    for _ in range(rounds):
        left = values[max(i - 1, 0)] if i < values.size else 0.0
        cuda.syncthreads()
        if i < values.size:
            values[i] = 0.5 * (values[i] + left)  # error: [OX105]  # also:
        cuda.syncthreads()


def run(n, m):
    pixels = cuda.to_device(np.zeros(n, dtype=np.uint8))
    blocks = (n + THREADS - 1) // THREADS
    histogram[blocks, THREADS](pixels, cuda.to_device(np.zeros(256, dtype=np.int64)))
    plane = cuda.to_device(np.zeros((n, m)))
    grid, threads = ((n + 7) // 8, (m + 15) // 16), (8, 16)
    heat[grid, threads](plane, 0.1)
    square = cuda.to_device(np.zeros((n, n)))
    for k in range(n):
        floyd[((n + 7) // 8, (n + 15) // 16), threads](square, k)
    targets = cuda.to_device(np.zeros(n, dtype=np.int32))
    degrees[blocks, THREADS](targets, cuda.to_device(np.zeros(m, dtype=np.int32)))
    centres[blocks, THREADS](plane, targets, cuda.to_device(np.zeros((5, m))))
    values = cuda.to_device(np.zeros(n))
    compact[blocks, THREADS](values, cuda.device_array(n), np.zeros(1, dtype=np.int32))
    mean[blocks, THREADS](values, np.zeros(1))
    prefix[blocks, THREADS](values)
    odd_even[blocks, THREADS](values, 0)
    reverse[blocks, THREADS](values)
    ising[grid, threads](plane, 0.4)
    row_sums[grid, threads](plane, cuda.device_array(n))
    partial[32, THREADS](values, cuda.device_array(THREADS))
    smooth[blocks, THREADS](values, 10)
