"""How numbers meet: each kernel writes what an operator gives for many pairs of numbers."""

import math

import numpy as np

from numba import cuda, float32, int32

N = 64
SCALE = 3
HALF = 0.5
THIRD = np.float32(1.0 / 3.0)
WEIGHTS = (1, 2.5, 4)
TABLE = np.array([1.5, -2.0, 0.25, 8.0], dtype=np.float32)


def integers(dtype):
    info = np.iinfo(dtype)
    rng = np.random.default_rng(1)
    found = rng.integers(info.min, info.max, N, dtype=dtype, endpoint=True)
    found[:6] = [info.min, info.max, 0, 1, 7, info.max // 2]
    return found


def floats(dtype):
    rng = np.random.default_rng(2)
    return (rng.standard_normal(N) * 10).astype(dtype)


@cuda.jit
def integer_arithmetic(a, b, out):
    i = cuda.grid(1)
    if i < a.shape[0]:
        out[0, i] = a[i] + b[i]
        out[1, i] = a[i] - b[i]
        out[2, i] = a[i] * b[i]
        out[3, i] = a[i] & b[i]
        out[4, i] = a[i] | b[i]
        out[5, i] = a[i] ^ b[i]
        out[6, i] = ~a[i]
        out[7, i] = -a[i]
        out[8, i] = abs(a[i])
        out[9, i] = min(a[i], b[i])
        out[10, i] = max(a[i], b[i])
        out[11, i] = a[i] + SCALE
        out[12, i] = a[i] * 2 - 1


@cuda.jit
def integer_division(a, b, out):
    i = cuda.grid(1)
    if i < a.shape[0] and b[i] != 0:
        out[0, i] = a[i] // b[i]
        out[1, i] = a[i] % b[i]
        out[2, i] = a[i] // 7
        out[3, i] = a[i] % 7
        out[4, i] = (a[i] >> 3) + (a[i] << 2)


@cuda.jit
def mixed_floats(a, b, n, out):
    i = cuda.grid(1)
    if i < a.shape[0]:
        out[0, i] = a[i] + b[i]
        out[1, i] = a[i] * n[i]
        out[2, i] = n[i] / 3
        out[3, i] = a[i] * 2
        out[4, i] = a[i] * HALF
        out[5, i] = a[i] * THIRD
        out[6, i] = a[i] * 0.1
        out[7, i] = n[i] * 0.1
        out[8, i] = a[i] // b[i]
        out[9, i] = a[i] % b[i]
        out[10, i] = float32(b[i]) * a[i]
        out[11, i] = a[i] ** 2
        out[12, i] = 2 ** -n[i % 4]
        out[13, i] = -a[i]
        out[14, i] = abs(a[i])
        out[15, i] = WEIGHTS[1] * a[i] + WEIGHTS[0]


@cuda.jit
def narrow_results(a, b, out):
    i = cuda.grid(1)
    if i < a.shape[0]:
        out[i] = a[i] * 0.1 + b[i]


@cuda.jit
def casts(a, n, out_i32, out_i64, out_u8, out_f32):
    i = cuda.grid(1)
    if i < a.shape[0]:
        out_i32[i] = a[i]
        out_i64[i] = int(a[i] * 3)
        out_u8[i] = n[i]
        out_f32[i] = np.float32(n[i]) + np.float32(int32(a[i]))


@cuda.jit
def rounding(a, out, whole):
    i = cuda.grid(1)
    if i < a.shape[0]:
        out[0, i] = math.floor(a[i])
        out[1, i] = math.ceil(a[i])
        out[2, i] = math.trunc(a[i])
        whole[0, i] = math.floor(a[i]) // 2
        whole[1, i] = round(a[i])
        whole[2, i] = int(a[i])


@cuda.jit
def loops_that_widen(a, out):
    i = cuda.grid(1)
    if i < out.shape[0]:
        total = 0
        for k in range(a.shape[0]):
            total += a[k]
        mean = total / a.shape[0]
        count = 0
        value = 1
        while value < 100:
            value = value * 2
            count += 1
        out[i] = mean + count


@cuda.jit
def comparisons(a, b, out):
    i = cuda.grid(1)
    if i < a.shape[0]:
        x = a[i]
        out[i] = (
            (1 if x < b[i] else 0)
            + (2 if 0 < x <= 5 else 0)
            + (4 if x == b[i] or x > 9.5 else 0)
            + (8 if not x else 0)
            + 16 * (x > 1)
        )


@cuda.jit
def from_table(index, out):
    i = cuda.grid(1)
    if i < out.size:
        out[i] = TABLE[index[i]] + TABLE.shape[0]


@cuda.jit
def negative_indices(a, out):
    i = cuda.grid(1)
    if i < a.shape[0]:
        out[i] = a[i - 2] + a[-1] + a[-(i + 1)]


def main():
    found = {}
    for dtype in (np.int8, np.uint8, np.int16, np.int32, np.uint32, np.int64, np.uint64):
        a, b = integers(dtype), integers(dtype)[::-1].copy()
        out = np.zeros((13, N), np.int64)
        integer_arithmetic[2, 32](a, b, out)
        found[f"integer_arithmetic {dtype.__name__}"] = out
        out = np.zeros((5, N), np.int64)
        integer_division[2, 32](a, b, out)
        found[f"integer_division {dtype.__name__}"] = out
    small = integers(np.int32) % 1000
    for one in (np.float32, np.float64):
        for other in (np.float32, np.float64):
            out = np.zeros((16, N), np.float64)
            mixed_floats[2, 32](floats(one), floats(other)[::-1].copy(), small, out)
            found[f"mixed_floats {one.__name__} {other.__name__}"] = out
    out = np.zeros(N, np.float32)
    narrow_results[1, N](floats(np.float64), floats(np.float32), out)
    found["narrow"] = out
    outs = [np.zeros(N, t) for t in (np.int32, np.int64, np.uint8, np.float32)]
    casts[1, N](floats(np.float32) * 100, integers(np.int64), *outs)
    for out in outs:
        found[f"casts {out.dtype}"] = out
    out, whole = np.zeros((3, N)), np.zeros((3, N), np.int64)
    rounding[1, N](floats(np.float32), out, whole)
    found["rounding"], found["rounded"] = out, whole
    out = np.zeros(4)
    loops_that_widen[1, 4](floats(np.float32), out)
    found["loops_that_widen"] = out
    out = np.zeros(N, np.int32)
    comparisons[1, N](floats(np.float32), floats(np.float64)[::-1].copy(), out)
    found["comparisons"] = out
    out = np.zeros(N, np.float32)
    from_table[1, N]((np.arange(N) * 7 % 4).astype(np.int32), out)
    found["from_table"] = out
    out = np.zeros(N, np.float64)
    negative_indices[1, N](floats(np.float64), out)
    found["negative_indices"] = out
    return found
