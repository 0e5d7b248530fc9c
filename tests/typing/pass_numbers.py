# pyright: strict
"""Functions of numbers: what they take and give is what type checkers think."""

import math

from oxide import (
    DisjointSlice,
    Slice,
    bf16,
    brev,
    clz,
    f16,
    f32,
    f64,
    fast,
    fma,
    i32,
    kernel,
    popc,
    rsqrt,
    select,
    thread,
    u32,
)


@kernel
def bits(a: Slice[u32], out: DisjointSlice[u32]):
    i = thread.index_1d()
    if i < len(a) and i < len(out):
        q, r = divmod(a[i], u32(10))
        out[i] = popc(a[i]) + clz(a[i]) + brev(q) + r + a[i] ** 2 + 2 ** u32(3)


@kernel
def floats(a: Slice[f32], d: Slice[f64], n: i32, out: DisjointSlice[f32]):
    i = thread.index_1d()
    if i < len(a) and i < len(out) and i < len(d):
        x = a[i]
        fraction, whole = math.modf(x)
        nearest: int = round(x) + math.floor(x) + math.ceil(x) + math.trunc(x)
        y = fma(x, x, fraction) + rsqrt(whole) + x**2 + x**-1 + x**0.5
        y += math.sin(x) * math.atan2(x, 2.0) + math.hypot(x, 1.0) + math.pow(x, 1.5)
        y = select(math.isnan(y) or math.isinf(y), 0.0, y)
        k = select(n > 2, n, 2)
        out[i] = y + f32(nearest + k) + f32(math.log(d[i]) + math.erf(d[i]))


@kernel
def halves(a: Slice[f16], b: Slice[bf16], out: DisjointSlice[f32]):
    i = thread.index_1d()
    if i < len(a) and i < len(b) and i < len(out):
        x = a[i] * 2 + f16(1.5)
        out[i] = f32(x) + b[i] * math.exp(b[i])


WEIGHTS: tuple[f32, ...] = (0.25, 0.5, 0.25)
PLACES = ((-1, 0, 1), (1, 0, -1))


@kernel(fast_math=True)
def tables(a: Slice[f32], n: i32, out: DisjointSlice[f32]):
    i = thread.index_1d()
    if 1 <= i < len(a) - 1 and i < len(out):
        total = 0.0
        for k in range(len(WEIGHTS)):
            total += WEIGHTS[k] * fast.sin(a[i + PLACES[i % 2][k]])
        print(f"total of {i} is {total}", n)
        out[i] = fast.pow(total, 0.5) / fast.rsqrt(a[i])
