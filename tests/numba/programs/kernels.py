"""What applications are made of: shared tiles, atomics, helpers, factories, views, tuples."""

import math

import numpy as np

from numba import cuda, float32, float64, int32

TILE = 8
BINS = 16


@cuda.jit(device=True)
def clamp(x, low, high):
    return min(max(x, low), high)


@cuda.jit(device=True, inline=True)
def divided(x, y):
    if y == 0:
        return 0.0, False
    return x / y, True


def make(operation, factor):
    @cuda.jit
    def apply(x, out):
        i = cuda.grid(1)
        if i < x.size:
            out[i] = operation(x[i]) * factor

    return apply


@cuda.jit(device=True)
def square(x):
    return x * x


halve = cuda.jit(device=True)(lambda x: x / 2)


@cuda.jit
def matmul(a, b, c):
    tile_a = cuda.shared.array((TILE, TILE), float32)
    tile_b = cuda.shared.array(shape=(TILE, TILE), dtype=float32)
    x, y = cuda.grid(2)
    tx, ty = cuda.threadIdx.x, cuda.threadIdx.y
    total = float32(0.0)
    for k in range((a.shape[1] + TILE - 1) // TILE):
        tile_a[ty, tx] = 0
        tile_b[ty, tx] = 0
        if y < a.shape[0] and tx + k * TILE < a.shape[1]:
            tile_a[ty, tx] = a[y, tx + k * TILE]
        if x < b.shape[1] and ty + k * TILE < b.shape[0]:
            tile_b[ty, tx] = b[ty + k * TILE, x]
        cuda.syncthreads()
        for n in range(TILE):
            total += tile_a[ty, n] * tile_b[n, tx]
        cuda.syncthreads()
    if y < c.shape[0] and x < c.shape[1]:
        c[y, x] = total


@cuda.jit
def histogram(x, low, high, bins):
    start = cuda.grid(1)
    stride = cuda.gridsize(1)
    width = (high - low) / bins.shape[0]
    for i in range(start, x.shape[0], stride):
        k = int32((x[i] - low) / width)
        if 0 <= k < bins.shape[0]:
            cuda.atomic.add(bins, k, 1)


@cuda.jit
def extremes(x, out, hits):
    i = cuda.grid(1)
    if i < x.size:
        cuda.atomic.max(out, 0, x[i])
        cuda.atomic.min(out, 1, x[i])
        cuda.atomic.add(hits, (0, 1), 1)


@cuda.jit
def block_sums(x, out):
    cache = cuda.shared.array(0, float64)
    t = cuda.threadIdx.x
    i = cuda.grid(1)
    cache[t] = x[i] if i < x.shape[0] else 0.0
    cuda.syncthreads()
    step = cuda.blockDim.x // 2
    while step:
        if t < step:
            cache[t] += cache[t + step]
        cuda.syncthreads()
        step >>= 1
    if t == 0:
        out[cuda.blockIdx.x] = cache[0]


@cuda.jit
def row_norms(a, out):
    i = cuda.grid(1)
    if i >= a.shape[0]:
        return
    row = a[i, :]
    total = 0.0
    for k in range(row.shape[0]):
        total += square(row[k])
    out[i] = math.sqrt(total)


@cuda.jit
def median_of_three(x, out):
    i = cuda.grid(1)
    window = cuda.local.array(3, float64)
    if 0 < i < x.size - 1:
        for k in range(3):
            window[k] = x[i - 1 + k]
        for k in range(2):
            for m in range(2 - k):
                if window[m] > window[m + 1]:
                    window[m], window[m + 1] = window[m + 1], window[m]
        out[i] = window[1]


@cuda.jit
def safe_ratios(x, y, out, ok):
    i = cuda.grid(1)
    if i < x.size:
        value, fine = divided(x[i], y[i])
        out[i] = clamp(value, -10, 10.0)
        ok[i] = fine


@cuda.jit
def mandel(out, min_x, max_x, min_y, max_y, iterations):
    col, row = cuda.grid(2)
    height, width = out.shape
    if row >= height or col >= width:
        return
    x0 = min_x + col * (max_x - min_x) / width
    y0 = min_y + row * (max_y - min_y) / height
    x = y = 0.0
    count = 0
    while x * x + y * y <= 4.0 and count < iterations:
        x, y = x * x - y * y + x0, 2.0 * x * y + y0
        count += 1
    out[row, col] = count


@cuda.jit
def volume(grid, out):
    i, j, k = cuda.grid(3)
    if i < grid.shape[0] and j < grid.shape[1] and k < grid.shape[2]:
        out[i, j, k] = grid[i][j][k] + i * 100 + j * 10 + k


@cuda.jit
def with_tuple(shape, origin, out):
    i = cuda.grid(1)
    if i < out.size:
        out[i] = shape[0] * shape[1] + origin[0] + i


@cuda.jit("void(float32[:], float64, int32)")
def declared(x, factor, n):
    i = cuda.grid(1)
    if i < n:
        x[i] *= factor


@cuda.jit
def in_place(source, target):
    i = cuda.grid(1)
    if i < source.size:
        target[i] = source[i] + 1


@cuda.jit
def mathematics(x, out):
    i = cuda.grid(1)
    if i < x.size:
        v = abs(x[i]) + 0.5
        out[0, i] = math.sqrt(v)
        out[1, i] = math.exp(x[i])
        out[2, i] = math.log(v)
        out[3, i] = math.sin(x[i])
        out[4, i] = math.cos(x[i])
        out[5, i] = math.pow(v, 1.5)
        out[6, i] = math.atan2(x[i], v)
        out[7, i] = math.tanh(x[i])
        out[8, i] = math.fabs(v)
        out[9, i] = math.hypot(x[i], v)
        out[10, i] = math.log1p(v)
        out[11, i] = math.erf(x[i])


@cuda.jit
def optional_value(x, out):
    i = cuda.grid(1)
    if i < x.size:
        best = -1
        for k in range(x.size):
            if x[k] > x[i]:
                best = k
                break
        out[i] = best


@cuda.jit
def flags(x, out):
    i = cuda.grid(1)
    if i < x.size:
        is_large = x[i] > 0
        is_even = i % 2 == 0
        out[i] = is_large and not is_even


def main():
    rng = np.random.default_rng(0)
    found = {}
    a, b = (rng.standard_normal((20, 30)).astype(np.float32) for _ in range(2))
    c = np.zeros((20, 20), np.float32)
    matmul[(3, 3), (TILE, TILE)](a, np.ascontiguousarray(b.T), c)
    found["matmul"] = c
    x = rng.standard_normal(1000)
    bins = np.zeros(BINS, np.int32)
    histogram[4, 64](x, -3, 3.0, bins)
    found["histogram"] = bins
    out, hits = np.array([-1e9, 1e9]), np.zeros((2, 2), np.uint32)
    extremes[8, 128](x, out, hits)
    found["extremes"], found["hits"] = out, hits
    out = np.zeros(8)
    block_sums[8, 128, 0, 128 * 8](x, out)
    found["block_sums"] = out
    out = np.zeros(20)
    row_norms[1, 32](a, out)
    found["row_norms"] = out
    out = np.zeros(1000)
    median_of_three.forall(1000)(x, out)
    found["median_of_three"] = out
    y = rng.integers(-2, 3, 1000)
    out, ok = np.zeros(1000), np.zeros(1000, np.bool_)
    safe_ratios[8, 128](x, y, out, ok)
    found["safe_ratios"], found["ok"] = out, ok
    out = np.zeros((24, 32), np.uint8)
    mandel[(4, 3), (8, 8)](out, -2.0, 1.0, -1, 1, 50)
    found["mandel"] = out
    out = np.zeros((3, 4, 5), np.float32)
    volume[(1, 1, 2), (4, 4, 4)](rng.standard_normal((3, 4, 5)).astype(np.float32), out)
    found["volume"] = out
    out = np.zeros(6)
    with_tuple[1, 32]((3, 4), (0.5, 2), out)
    found["with_tuple"] = out
    out = x[:100].astype(np.float32)
    declared[1, 128](out, 3, 90)
    found["declared"] = out
    out = x[:100].copy()
    in_place[1, 128](out, out)
    found["in_place"] = out
    for dtype in (np.float32, np.float64):
        out = np.zeros((12, 100), dtype)
        mathematics[1, 128](x[:100].astype(dtype), out)
        found[f"mathematics {dtype.__name__}"] = out
    out = np.zeros(100, np.int16)
    optional_value[1, 128](x[:100], out)
    found["optional_value"] = out
    out = np.zeros(100, np.bool_)
    flags[1, 128](x[:100], out)
    found["flags"] = out
    for operation, factor in ((square, 2), (halve, 0.25), (square, np.float32(0.1))):
        out = np.zeros(100, np.float32)
        make(operation, factor)[1, 128](x[:100].astype(np.float32), out)
        found[f"factory {len(found)}"] = out
    device_x = cuda.to_device(x)
    device_out = cuda.device_array_like(device_x)
    in_place[8, 128](device_x, device_out)
    in_place[8, 128](device_out[:500], device_out[500:])
    found["device"] = device_out.copy_to_host()
    found["part"] = device_out[10:20].copy_to_host()
    stream = cuda.stream()
    with stream.auto_synchronize():
        again = cuda.to_device(x, stream=stream)
        in_place[8, 128, stream](again, again)
        again.copy_to_host(x, stream=stream)
    found["stream"] = x
    return found
