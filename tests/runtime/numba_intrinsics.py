"""Kernels that use intrinsics of `numba.cuda`, which the tests run through `oxide.numba`."""

# pyright: basic

from __future__ import annotations

from enum import Enum

import numpy as np

from oxide.numba import cuda


class Colour(Enum):
    RED = 3
    GREEN = 5


@cuda.jit
def counted_up(counts, last, old):
    old[cuda.threadIdx.x] = cuda.atomic.inc(counts, 0, last)


@cuda.jit
def counted_down(counts, last):
    for k in range(1, 4):
        cuda.atomic.dec(counts, k, last)


@cuda.jit
def lanes(out):
    t = cuda.threadIdx.x
    if t >= 0:
        out[0, t] = cuda.activemask()
    out[1, t] = cuda.lanemask_lt()
    out[2, t] = cuda.activemask()


@cuda.jit
def parted(out):
    t = cuda.threadIdx.x
    if t % 2 == 0:
        out[0, t] = cuda.activemask()
    else:
        out[0, t] = cuda.activemask()
    for _ in range(t % 4):
        out[1, t] = cuda.activemask()
    if t < 10:
        together = cuda.activemask()
        out[2, t] = cuda.shfl_xor_sync(together, t, 1)
    cuda.syncthreads()
    if t < 20:
        out[2, t] += cuda.activemask()


@cuda.jit
def in_a_lock(lock, seen):
    t = cuda.threadIdx.x
    waits = True
    while waits:
        if cuda.atomic.cas(lock, 0, 0, 1) == 0:
            seen[t] = cuda.activemask()
            cuda.atomic.exch(lock, 0, 0)
            waits = False


@cuda.jit
def collected(flags, counter, out):
    t = cuda.threadIdx.x
    for k in range(4):
        if flags[k, t]:
            lanes = cuda.activemask()
            leader = cuda.ffs(lanes) - 1
            if cuda.laneid == leader:
                cuda.atomic.add(counter, 0, cuda.popc(lanes))
            out[k, t] = cuda.shfl_sync(lanes, t, leader) + cuda.popc(lanes)


@cuda.jit
def extremes(x, out):
    i = cuda.grid(1)
    cuda.atomic.max(out, 0, x[i])
    cuda.atomic.min(out, 1, x[i])
    cuda.atomic.nanmax(out, 2, x[i])


def added(x, y):
    return x + y


added_whole = cuda.jit("int64(int64, int64)", device=True)(added)
added_short = cuda.jit("float32(float32, float32)", device=True)(added)


@cuda.jit("float32(float64)", device=True)
def halved(x):
    return x * 0.5


@cuda.jit
def by_signatures(x, y, out):
    out[0] = added(x, y)
    out[1] = added_whole(x, y)
    out[2] = added_short(x, y)
    out[3] = halved(x)


@cuda.jit(["(float32, float32, float64[:])", "(float64, float64, float64[:])"])
def of_one_signature(x, y, out):
    out[0] = x + y


@cuda.jit
def by_names(point, out):
    out[0] = point.x + point[1] * point.y
    out[1] = Colour["GREEN"] == Colour.GREEN
    out[2] = Colour["RED"] == Colour["GREEN"]


@cuda.jit(device=True)
def doubled(record):
    return record.size * 2


@cuda.jit
def of_one_record(record, out):
    out[0] = doubled(record)
    record.count = 7
    record["size"] = 2.5
    record.at[1] = 9
    out[1] = record.at[1] + record.count


@cuda.jit(launch_bounds=32)
def of_few_threads(out):
    kept = cuda.shared.array(32, np.float64)
    kept[cuda.threadIdx.x] = 1
    out[cuda.threadIdx.x] = kept[cuda.threadIdx.x]


@cuda.jit
def of_threads(x, out):
    out[0] = x + 1


@cuda.jit
def shown(pair):
    print(pair, cuda.threadIdx, (pair[0],))


@cuda.jit
def rounded(x, digits, out):
    i = cuda.grid(1)
    if i < x.size:
        out[i] = round(x[i], digits)


@cuda.jit
def counted_ones(x, out):
    i = cuda.grid(1)
    if i < x.size:
        out[i] = x[i].bit_count()


@cuda.jit
def of_numpy(x, y, out):
    i = cuda.grid(1)
    if i < x.size:
        out[0, i] = np.sign(x[i])
        out[1, i] = np.clip(x[i], -1, 2.5)
        out[2, i] = np.rint(x[i])
        out[3, i] = np.square(np.add(x[i], y[i]))
        out[4, i] = np.where(np.greater(x[i], y[i]), x[i], np.negative(y[i]))
        out[5, i] = np.logical_xor(x[i], y[i])
        out[6, i] = np.heaviside(x[i], 0.5)
        out[7, i] = np.signbit(x[i])
        out[8, i] = np.deg2rad(x[i]) + np.floor_divide(x[i], np.float32(2))
        out[9, i] = np.fmin(x[i], y[i]) + np.arcsinh(y[i])
        out[10, i] = np.left_shift(np.bitwise_or(i, 1), 2)


@cuda.jit
def powers(z, w, out):
    i = cuda.grid(1)
    if i < z.size:
        out[0, i] = pow(z[i], w[i])
        out[1, i] = pow(z[i], 2)
        out[2, i] = pow(2.5, w[i])


@cuda.jit(unproved="allow")
def side_by_side(x, y, pair, out):
    for k, (a, b) in enumerate(zip(x, y), 3):
        out[k - 3] += k * a + b
    for k, (a, (j, b)) in enumerate(zip(pair, enumerate(pair, start=5))):
        out[k] += 100 * a + 10 * j + b
    for a, b in zip(enumerate(x), y):
        out[a[0]] += a[1] - b


@cuda.jit
def signed_lanes(out):
    t = cuda.threadIdx.x
    out[0, t] = cuda.ballot_sync(0xFFFFFFFF, t % 32 > 29)
    out[1, t] = cuda.match_any_sync(0xFFFFFFFF, t // 16)
    out[2, t] = cuda.match_all_sync(0xFFFFFFFF, 3)[0]
    out[3, t] = cuda.activemask()
    out[4, t] = cuda.shfl_xor_sync(0xFFFFFFFF, np.uint32(0xFFFFFFFF - t), 1)
