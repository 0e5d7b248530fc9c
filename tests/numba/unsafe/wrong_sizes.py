"""Guards, halos and lengths that do not fit the launch."""

import math

import numpy as np

from numba import cuda, float32, int32

TILE = 8
RADIUS = 2


@cuda.jit
def grey(rgb, out):
    row, col = cuda.grid(2)
    if row < rgb.shape[1] and col < rgb.shape[0]:
        # error: [OX301] "out["  # also:  # also:  # also:
        out[row, col] = rgb[row, col, 0] + rgb[row, col, 1] + rgb[row, col, 2]


@cuda.jit
def sobel(image, out):
    y, x = cuda.grid(2)
    if 0 < y < image.shape[0] and 0 < x < image.shape[1] - 1:
        out[y, x] = image[y - 1, x] - image[y + 1, x]  # error: [OX301] "image["


@cuda.jit
def wave(u, v):
    i = cuda.grid(1)
    if i < u.size:
        v[i] = u[i + 1] - 2 * u[i] + u[i - 1]  # error: [OX301] "u[250]"


@cuda.jit
def blur(image, out):
    tile = cuda.shared.array((TILE, TILE), float32)
    tx, ty = cuda.threadIdx.x, cuda.threadIdx.y
    x, y = cuda.grid(2)
    tile[ty, tx] = image[y, x] if y < image.shape[0] and x < image.shape[1] else 0.0
    cuda.syncthreads()
    total = 0.0
    for d in range(-RADIUS, RADIUS + 1):
        total += tile[ty, tx + d]  # error: [OX301]  # also:
    if y < out.shape[0] and x < out.shape[1]:
        out[y, x] = total / (2 * RADIUS + 1)


@cuda.jit
def sums(values, out):
    s = cuda.shared.array(32, float32)
    t, i = cuda.threadIdx.x, cuda.grid(1)
    s[t] = values[i] if i < values.size else 0.0  # error: [OX301] "`s` has 32 elements"
    cuda.syncthreads()
    if t == 0:
        total = 0.0
        for k in range(32):
            total += s[k]
        out[cuda.blockIdx.x] = total


@cuda.jit
def tree(values, out):
    s = cuda.shared.array(64, float32)
    t, i = cuda.threadIdx.x, cuda.grid(1)
    s[t] = values[i] if i < values.size else 0.0
    cuda.syncthreads()
    d = 64
    while d > 0:
        if t < d:
            s[t] += s[t + d]  # error: [OX301]  # also:  # also:
        cuda.syncthreads()
        d //= 2
    if t == 0:
        out[cuda.blockIdx.x] = s[0]


@cuda.jit
def rule(cells, generation):
    i = cuda.grid(1)
    if i < cells.shape[1]:
        left, right = cells[generation, i], cells[generation, (i + 1) % cells.shape[1]]
        cells[generation + 1, i] = left ^ right  # error: [OX301]


@cuda.jit
def rows(indptr, data, out):
    row = cuda.grid(1)
    if row < indptr.size:
        total = 0.0
        for e in range(indptr[row], indptr[row + 1]):  # error: [OX301]
            if 0 <= e < data.size:
                total += data[e]
        out[row] = total  # error: [OX301]


@cuda.jit
def shuffle_table(table, out):
    lane = cuda.threadIdx.x % 32
    local = cuda.local.array(4, int32)
    for k in range(5):
        local[k] = table[lane]  # error: [OX301]  # also:
    out[cuda.grid(1)] = local[0]  # also:


@cuda.jit
def upsample(small, large):
    row, col = cuda.grid(2)
    if row < large.shape[0] and col < large.shape[1]:
        large[row, col] = small[(row + 1) // 2, col // 2]  # error: [OX301]


@cuda.jit
def averages(values, out, width):
    i = cuda.grid(1)
    if i < out.size:
        total = 0.0
        for k in range(i, i + width):
            total += values[k]  # error: [OX301]
        out[i] = total / width


@cuda.jit
def planes(volume, out):
    x, y, z = cuda.grid(3)
    if x < volume.shape[0] and y < volume.shape[1]:
        out[x, y, z] = volume[x, y, z] * 2  # error: [OX301]  # also:


def main():
    h, w = 27, 48
    rgb = np.zeros((h, w, 3), dtype=np.uint8)
    image = np.zeros((h, w), dtype=np.float32)
    out = np.zeros((h, w), dtype=np.float32)
    grid = (math.ceil(h / TILE), math.ceil(w / TILE))
    grey[(math.ceil(w / TILE), math.ceil(w / TILE)), (TILE, TILE)](rgb, out)
    sobel[grid, (TILE, TILE)](image, out)
    wave[8, 32](np.zeros(250), np.zeros(250))
    blur[grid, (TILE, TILE)](image, out)
    values = np.zeros(500, dtype=np.float32)
    sums[2, 64](values, np.zeros(20))
    tree[2, 64](values, np.zeros(20))
    cells = np.zeros((50, 60), dtype=np.int32)
    for generation in range(50):
        rule[3, 20](cells, generation)
    rows[4, 32](np.zeros(101, dtype=np.int32), values, np.zeros(100))
    shuffle_table[4, 64](np.zeros(32, dtype=np.int32), np.zeros(256, dtype=np.int32))
    upsample[grid, (TILE, TILE)](np.zeros((h // 2, w // 2)), np.zeros((h, w)))
    averages[2, 256](values, np.zeros(500), 7)
    planes[(2, 2, 2), (4, 4, 4)](np.zeros((7, 7, 7)), np.zeros((7, 7, 7)))


main()


@cuda.jit
def reverse_few_bytes(out):
    i = cuda.threadIdx.x
    tile = cuda.shared.array(0, np.float64)
    tile[i] = i  # error: [OX301] "`tile` has 32"
    cuda.syncthreads()
    out[i] = tile[63 - i]  # also:


@cuda.jit
def forgotten_bytes(out):
    i = cuda.threadIdx.x
    tile = cuda.shared.array(0, np.float64)
    tile[i] = i  # error: [OX301] "`tile` has 0"
    cuda.syncthreads()
    out[i] = tile[63 - i]  # also:


reverse_few_bytes[1, 64, 0, 8 * 32](np.zeros(64))
forgotten_bytes[1, 64](np.zeros(64))


@cuda.jit
def as_many_as_by_default(out, n=100):
    i = cuda.grid(1)
    if i < n:
        out[i] = 1  # error: [OX301] "out[64]"


as_many_as_by_default[2, 64](np.zeros(128), 128)
as_many_as_by_default[2, 64](np.zeros(64))
