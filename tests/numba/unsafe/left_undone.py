"""What nobody wrote, what wraps, what has no divisor, and barriers that reach too short."""

import numpy as np

from numba import cuda, float32, int32

BLOCK = 64


@cuda.jit
def uncleared(image, counts):
    bins = cuda.shared.array(64, int32)
    t, i = cuda.threadIdx.x, cuda.grid(1)
    if i < image.size:
        cuda.atomic.add(bins, image[i] & 63, 1)  # error: [OX303]
    cuda.syncthreads()
    if t < 64:
        cuda.atomic.add(counts, t, bins[t])  # also:


@cuda.jit
def unfilled(values, out):
    s = cuda.shared.array(BLOCK, float32)
    t, i = cuda.threadIdx.x, cuda.grid(1)
    if i < values.size:
        s[t] = values[i]
    cuda.syncthreads()
    if t == 0:
        total = 0.0
        for k in range(BLOCK):
            total += s[k]  # error: [OX303]
        out[cuda.blockIdx.x] = total


@cuda.jit
def half_cleared(values, out):
    own = cuda.local.array(8, float32)
    for k in range(4):
        own[k] = 0.0
    i = cuda.grid(1)
    if i < values.size:
        own[i % 8] += values[i]  # error: [OX303]
        out[i] = own[0]


@cuda.jit
def mean_of_rows(values, widths, out):
    row = cuda.grid(1)
    if row < out.size:
        total = 0
        for k in range(values.shape[1]):
            total += values[row, k]
        out[row] = total // (widths.size - 64)  # error: [OX307]


@cuda.jit
def grid_barrier(values, sums, out):
    """A barrier of the block is none of the grid."""
    i, t = cuda.grid(1), cuda.threadIdx.x
    if t == 0:
        sums[cuda.blockIdx.x] = values[i]  # error: [OX105]
    cuda.syncthreads()
    if i == 0:
        total = 0.0
        for b in range(cuda.gridDim.x):
            total += sums[b]  # also:
        out[0] = total


@cuda.jit
def last_block(values, sums, done, out):
    """The last block adds up, but nothing makes the sums of the others seen."""
    t, i = cuda.threadIdx.x, cuda.grid(1)
    if t == 0:
        sums[cuda.blockIdx.x] = values[i]  # error: [OX206]  # also:
        if cuda.atomic.add(done, 0, 1) == cuda.gridDim.x - 1:
            total = 0.0
            for b in range(cuda.gridDim.x):
                total += sums[b]  # also:
            out[0] = total


@cuda.jit
def spread(values, out):
    s = cuda.shared.array(BLOCK, float32)
    lane = cuda.threadIdx.x
    s[lane] = values[cuda.grid(1)]  # error: [OX104]  # error: [OX104]
    if lane < 32:
        s[lane] += s[lane + 32]  # error: [OX104]  # also:  # also:
        s[lane] += s[lane + 16]  # error: [OX104]  # also:  # also:
        out[cuda.grid(1)] = s[lane]


@cuda.jit
def mixed(values, total):
    i = cuda.grid(1)
    if i < values.size:
        cuda.atomic.add(total, 0, values[i])  # also:
        if total[0] > 100:  # error: [OX106]
            values[i] = 0


@cuda.jit
def found(values, wanted, flag, place):
    i = cuda.grid(1)
    if i < values.size and values[i] == wanted:
        flag[0] = 1  # also:
        place[0] = i  # error: [OX102]  # also:


def run(n):
    blocks = (n + BLOCK - 1) // BLOCK
    pixels = cuda.to_device(np.zeros(n, dtype=np.uint8))
    uncleared[blocks, BLOCK](pixels, cuda.to_device(np.zeros(64, dtype=np.int32)))
    values = cuda.to_device(np.zeros(n))
    unfilled[blocks, BLOCK](values, cuda.device_array(blocks))
    half_cleared[blocks, BLOCK](values, cuda.device_array(n))
    whole = cuda.to_device(np.zeros((n, 64), dtype=np.int64))
    mean_of_rows[blocks, BLOCK](whole, np.zeros(64), np.zeros(n, dtype=np.int64))
    data = cuda.to_device(np.zeros(8 * BLOCK))
    sums = cuda.device_array(8)
    grid_barrier[8, BLOCK](data, sums, np.zeros(1))
    last_block[8, BLOCK](data, sums, np.zeros(1, dtype=np.int32), np.zeros(1))
    spread[8, BLOCK](data, cuda.device_array(8 * BLOCK))
    mixed[blocks, BLOCK](values, np.zeros(1))
    found[blocks, BLOCK](values, 3.0, np.zeros(1, dtype=np.int32), np.zeros(1, dtype=np.int32))
