"""Barriers and warp operations that some threads skip, leave before, or meet elsewhere."""

import numpy as np

from numba import cuda, float32, int32

BLOCK = 64


@cuda.jit
def guarded_reduction(values, out):
    s = cuda.shared.array(BLOCK, float32)
    t, i = cuda.threadIdx.x, cuda.grid(1)
    if i < values.size:
        s[t] = values[i]
        cuda.syncthreads()  # error: [OX201]
        d = BLOCK // 2
        while d > 0:
            if t < d:
                s[t] += s[t + d]  # also:  # also:
            cuda.syncthreads()  # also:
            d //= 2
        if t == 0:
            out[cuda.blockIdx.x] = s[0]


@cuda.jit
def early(values, out):
    s = cuda.shared.array(BLOCK, float32)
    t, i = cuda.threadIdx.x, cuda.grid(1)
    if i >= values.size:
        return  # error: [OX202]
    s[t] = values[i]
    cuda.syncthreads()
    out[i] = s[BLOCK - 1 - t]  # also:


@cuda.jit
def in_tree(values, out):
    s = cuda.shared.array(BLOCK, float32)
    t = cuda.threadIdx.x
    s[t] = values[cuda.grid(1)]
    cuda.syncthreads()
    d = BLOCK // 2
    while d > 0:
        if t < d:
            s[t] += s[t + d]  # also:  # also:
            cuda.syncthreads()  # error: [OX201]
        d //= 2
    if t == 0:
        out[cuda.blockIdx.x] = s[0]  # also:


@cuda.jit
def two_places(values):
    t = cuda.threadIdx.x
    if t % 2 == 0:
        values[cuda.grid(1)] += 1
        cuda.syncthreads()  # error: [OX201]
    else:
        values[cuda.grid(1)] -= 1
        cuda.syncthreads()  # error: [OX201]


@cuda.jit
def long_rows(offsets, data, out):
    row = cuda.grid(1)
    if row < out.size:
        for e in range(max(offsets[row], 0), min(offsets[row + 1], data.size)):
            out[row] += data[e]
            cuda.syncthreads()  # error: [OX201]


@cuda.jit
def half_warp(values, out):
    i = cuda.grid(1)
    v = values[i] if i < values.size else 0.0
    if cuda.laneid < 16:
        v += cuda.shfl_down_sync(0xFFFFFFFF, v, 8)  # error: [OX203]  # also:
    if cuda.laneid == 0:
        cuda.atomic.add(out, 0, v)


@cuda.jit
def voted(values, out):
    i = cuda.grid(1)
    if i < values.size:
        # error: [OX201]  # also:  # also:  # also:  # also:
        n = cuda.syncthreads_count(values[i] > 0)
        if cuda.threadIdx.x == 0:
            out[cuda.blockIdx.x] = n


@cuda.jit
def broken_loop(values, limit, out):
    s = cuda.shared.array(BLOCK, int32)
    t = cuda.threadIdx.x
    s[t] = 0
    for k in range(100):
        s[t] += 1
        cuda.syncthreads()  # error: [OX201]
        if values[t] + k > limit:
            break
    out[cuda.grid(1)] = s[t]


@cuda.jit
def warp_sum(values, out):
    i = cuda.grid(1)
    if i >= values.size:
        return
    v = values[i]
    for d in (16, 8, 4, 2, 1):
        # error: [OX303]  # also:  # also:  # also:  # also:
        v += cuda.shfl_down_sync(0xFFFFFFFF, v, d)
    if cuda.laneid == 0:
        out[i // 32] = v


def run(n):
    blocks = (n + BLOCK - 1) // BLOCK
    values = cuda.to_device(np.zeros(n, dtype=np.float32))
    out = cuda.device_array(blocks, dtype=np.float32)
    guarded_reduction[blocks, BLOCK](values, out)
    early[blocks, BLOCK](values, cuda.device_array(n))
    two_places[4, BLOCK](cuda.device_array(4 * BLOCK))
    in_tree[4, BLOCK](cuda.device_array(4 * BLOCK), cuda.device_array(4))
    offsets = cuda.to_device(np.zeros(n + 1, dtype=np.int32))
    long_rows[blocks, BLOCK](offsets, values, cuda.device_array(n))
    half_warp[blocks, BLOCK](values, np.zeros(1))
    voted[blocks, BLOCK](values, cuda.device_array(blocks, dtype=np.int32))
    broken_loop[4, BLOCK](cuda.device_array(BLOCK), 5.0, cuda.device_array(4 * BLOCK))
    warp_sum[blocks, BLOCK](values, cuda.device_array((n + 31) // 32))
