# pyright: strict
"""Kernels as one naturally writes them: no type checker has anything to say."""

import math

import numpy as np

import oxide
from oxide import (
    AtomicSlice,
    AtomicSlice2D,
    DisjointSlice,
    DisjointSlice2D,
    LocalArray,
    SharedArray,
    SharedArray2D,
    Slice,
    Slice2D,
    atomic,
    block,
    block_dim,
    device,
    f32,
    f64,
    fence,
    grid_dim,
    grid_stride,
    grid_sync,
    i32,
    i64,
    kernel,
    sync_threads,
    sync_warp,
    thread,
    u32,
    u64,
    unsafe,
    warp,
)

BLOCK = 256
TILE = 16


@kernel
def vecadd(a: Slice[f32], b: Slice[f32], c: DisjointSlice[f32]):
    i = thread.index_1d()
    if i < len(c) and i < len(a) and i < len(b):
        c[i] = a[i] + b[i]


@kernel
def saxpy(alpha: f32, x: Slice[f32], y: DisjointSlice[f32]) -> None:
    for i in grid_stride(len(y)):
        y[i] = alpha * x[i] + y[i]
        y[i] *= 2


@kernel(block=BLOCK, requires=lambda out: len(out) >= grid_dim.x)
def block_sum(a: Slice[f32], out: DisjointSlice[f32]):
    tile = SharedArray(f32, BLOCK)
    t, i = thread.x, thread.index_1d()
    tile[t] = a[i] if i < len(a) else 0.0
    sync_threads()
    stride = BLOCK // 2
    while stride > 0:
        if t < stride:
            tile[t] += tile[t + stride]
        sync_threads()
        stride //= 2
    if t == 0:
        out[block.x] = tile[0]


@kernel(block=(TILE, TILE), domain=2)
def gemm(a: Slice2D[f32], b: Slice2D[f32], c: DisjointSlice2D[f32]):
    left = SharedArray(f32, (TILE, TILE))
    right = SharedArray(f32, (TILE, TILE + 1))
    row, col = thread.index_2d()
    acc = 0.0
    for k in range(0, a.shape[1], TILE):
        left[thread.y, thread.x] = a[row, k + thread.x] if row < a.shape[0] else 0
        right[thread.y, thread.x] = b[k + thread.y, col] if col < b.shape[1] else 0
        sync_threads()
        for j in range(TILE):
            acc += left[thread.y, j] * right[j, thread.x]
        sync_threads()
    if row < c.shape[0] and col < c.shape[1]:
        c[row, col] = acc


@kernel
def histogram(values: Slice[u32], bins: AtomicSlice[u32], grid_bins: AtomicSlice2D[u64]):
    counts = SharedArray(u32, 256)
    counts[thread.x] = 0
    sync_threads()
    for i in range(thread.index_1d(), len(values), grid_dim.x * block_dim.x):
        atomic.add(counts, values[i] >> 24 & 255, 1)
    sync_threads()
    old = atomic.add(bins, thread.x, counts[thread.x], scope="device", order="relaxed")
    atomic.add(grid_bins, (thread.x, thread.y), u64(old))


@kernel(block=BLOCK, cooperative=True)
def together(a: Slice[f32], out: DisjointSlice[f32], tally: AtomicSlice[u32], flip: bool):
    counts = SharedArray(u32, (4, 8))
    i = thread.index_1d()
    assert i < len(a) and i < len(out), "one thread for each element"
    total = warp.reduce_add(a[i])
    total += warp.shuffle_xor(total, 1, width=16)
    below = warp.scan_add(a[i], exclusive=True, mask=0xFFFFFFFF)
    voters = warp.ballot(a[i] > 0 or flip)
    if warp.any(i) and not warp.all(a[i] > 0):
        out[i] = total + below
    same = warp.match_any(a[i]) & voters | warp.reduce_or(voters)
    sync_warp()
    sync_warp(same)
    old = atomic.max(tally, warp.lane, same, scope="block", order="acq_rel")
    old = atomic.compare_exchange(counts, (0, thread.y), expected=old, value=1)
    atomic.store(tally, index=0, value=atomic.load(tally, 1, order="acquire"), order="release")
    fence("block")
    grid_sync()
    with unsafe("only block 0 comes here"):
        if block.x == 0:
            out[0] = f32(old & atomic.xor(tally, 0, 1))


@device
def clamp(v: f32, lo: f32 = 0.0, hi: f32 = 1.0) -> f32:
    return lo if v < lo else hi if v > hi else v


@device
def minmax(x: f32, y: f32) -> tuple[f32, f32]:
    return min(x, y), max(x, y)


@device
def total(tile: SharedArray[f32], square: SharedArray2D[f32], own: LocalArray[f32]) -> f32:
    return tile[0] + square[0, 1] + own[0]


@kernel
def mixed(x: DisjointSlice[f32], y: DisjointSlice[f64], n: i32, m: i64, flip: bool, eps: f32):
    scratch = LocalArray(f32, 4)
    count: i32 = 0
    best = -math.inf
    i = thread.index_1d()
    if i >= len(x) or i >= y.shape[0] or i >= y.size:
        return
    for k in range(4):
        scratch[k] = 0.0
        if k == n:
            break
        if k % 2 == 0:
            continue
        count += 1
    lo, hi = minmax(x[i], eps)
    lo, hi = hi, lo
    x[i] = clamp(lo + hi, 0.0, 6)
    y[i] = f64(1.0 / (1.0 + math.exp(-x[i]))) + math.sqrt(abs(eps))
    if flip and not 0 <= i < n or m == 3:
        x[i] = f32(count) + max(best, 0.0)
    x[i] = f32(~n & 7 | 1 ^ 2 << 3)


def launches() -> None:
    a = np.ones(1024, dtype=np.float32)
    c = np.zeros_like(a)
    vecadd[4, 256](a, a, c)
    vecadd[(4,), (256, 1, 1)](a=a, b=a, c=c)
    x = oxide.asarray(a)
    y = oxide.zeros(1024, f32)
    image = oxide.empty((32, 32), f32, device="cpu")
    saxpy[4, 256](2.0, x, y)
    saxpy.prepare(grid=4, block=256)(2, x, y)
    saxpy.prepare(grid=4, block=256)(alpha=2.0, x=x, y=y)
    block_sum.prepare(grid=4)(x, y)
    gemm.prepare(grid=(2, 2))(image, image, image)
    bound = oxide.load(vecadd).prepare(grid=4, block=256).bind(x, x, y)
    bound()
    with oxide.device("cpu"):
        queue = oxide.stream()
        vecadd[4, 256, queue](x, x, y)
        queue.sync()
    result = y.numpy()
    print(float(result.sum()), y.shape, y.dtype, y.device, f32(0.1))
    oxide.synchronize()
    histogram.prepare(grid=1, block=(256, 1))(
        oxide.zeros(10, u32), oxide.zeros(256, u32), oxide.zeros((4, 4), u64)
    )
    mixed.prepare(grid=1, block=32)(x, oxide.zeros(4, f64), 1, 2, True, 1e-6)
