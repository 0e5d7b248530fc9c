"""Worlds of cells, rays and points: automata, pictures of surfaces, geometry."""

import math

import numpy as np
from numba.cuda.random import create_xoroshiro128p_states, xoroshiro128p_uniform_float64

from numba import cuda, float32, uint8

SIDE = 16
WALLS = np.array([[0.0, 0.0], [1.0, 0.0], [1.0, 1.0], [0.0, 1.0]])


@cuda.jit
def life(now, after):
    x, y = cuda.grid(2)
    n, m = now.shape
    if x >= n or y >= m:
        return
    alive = 0
    for dx in range(-1, 2):
        for dy in range(-1, 2):
            if dx != 0 or dy != 0:
                alive += now[(x + dx + n) % n, (y + dy + m) % m]
    after[x, y] = 1 if alive == 3 or (alive == 2 and now[x, y]) else 0


@cuda.jit
def life_tiled(now, after):
    tile = cuda.shared.array((SIDE + 2, SIDE + 2), uint8)
    tx, ty = cuda.threadIdx.x, cuda.threadIdx.y
    x, y = cuda.grid(2)
    n, m = now.shape
    for i in range(tx, SIDE + 2, SIDE):
        for j in range(ty, SIDE + 2, SIDE):
            gx = cuda.blockIdx.x * SIDE + i - 1
            gy = cuda.blockIdx.y * SIDE + j - 1
            tile[i, j] = now[gx, gy] if 0 <= gx < n and 0 <= gy < m else 0
    cuda.syncthreads()
    if x < n and y < m:
        alive = 0
        for i in range(3):
            for j in range(3):
                alive += tile[tx + i, ty + j]
        alive -= tile[tx + 1, ty + 1]
        after[x, y] = 1 if alive == 3 or (alive == 2 and tile[tx + 1, ty + 1] == 1) else 0


@cuda.jit
def rule_110(cells, generation):
    i = cuda.grid(1)
    n = cells.shape[1]
    if i < n:
        left = cells[generation, (i + n - 1) % n]
        right = cells[generation, (i + 1) % n]
        code = 4 * left + 2 * cells[generation, i] + right
        cells[generation + 1, i] = (110 >> code) & 1


@cuda.jit
def burn(states, now, after, chance):
    i, j = cuda.grid(2)
    n, m = now.shape
    if i < n and j < m:
        cell = now[i, j]
        near = 0
        if i > 0:
            near = max(near, now[i - 1, j])
        if i < n - 1:
            near = max(near, now[i + 1, j])
        if j > 0:
            near = max(near, now[i, j - 1])
        if j < m - 1:
            near = max(near, now[i, j + 1])
        if cell == 1 and (near == 2 or xoroshiro128p_uniform_float64(states, i * m + j) < chance):
            cell = 2
        after[i, j] = cell


@cuda.jit(device=True)
def distance(x, y, z):
    return math.sqrt(x * x + y * y + z * z) - 1.0


@cuda.jit
def march(image, eye, steps):
    row, col = cuda.grid(2)
    height, width = image.shape[0], image.shape[1]
    if row >= height or col >= width:
        return
    dx, dy, dz = (col - 0.5 * width) / width, (row - 0.5 * height) / height, 1.0
    scale = 1.0 / math.sqrt(dx * dx + dy * dy + dz * dz)
    t = 0.0
    hit = False
    for _ in range(steps):
        d = distance(eye[0] + t * dx * scale, eye[1] + t * dy * scale, eye[2] + t * dz * scale)
        if d < 1e-3:
            hit = True
            break
        t += d
    for channel in range(3):
        image[row, col, channel] = 255 * math.exp(-t) if hit else 0


@cuda.jit
def inside(points, flags):
    i = cuda.grid(1)
    if i < points.shape[0]:
        x, y = points[i, 0], points[i, 1]
        odd = False
        last = 3
        for k in range(4):
            if (WALLS[k, 1] > y) != (WALLS[last, 1] > y):
                if x < WALLS[last, 0] + (y - WALLS[last, 1]) * (WALLS[k, 0] - WALLS[last, 0]):
                    odd = not odd
            last = k
        flags[i] = odd


@cuda.jit
def nearest(queries, points, index):
    q = cuda.grid(1)
    tile = cuda.shared.array((64, 3), float32)
    best, where = 1e30, -1
    for start in range(0, points.shape[0], 64):
        t = cuda.threadIdx.x
        for k in range(3):
            tile[t, k] = points[min(start + t, points.shape[0] - 1), k]
        cuda.syncthreads()
        if q < queries.shape[0]:
            for j in range(64):
                d = 0.0
                for k in range(3):
                    d += (queries[q, k] - tile[j, k]) ** 2
                if d < best and start + j < points.shape[0]:
                    best, where = d, start + j
        cuda.syncthreads()
    if q < queries.shape[0]:
        index[q] = where


@cuda.jit
def voxels(points, grid, size):
    i = cuda.grid(1)
    if i < points.shape[0]:
        x = int(points[i, 0] / size)
        y = int(points[i, 1] / size)
        z = int(points[i, 2] / size)
        if 0 <= x < grid.shape[0] and 0 <= y < grid.shape[1] and 0 <= z < grid.shape[2]:
            cuda.atomic.add(grid, (x, y, z), 1)


@cuda.jit
def distance_rows(mask, out):
    row = cuda.grid(1)
    if row < mask.shape[0]:
        width = mask.shape[1]
        run = width
        for col in range(width):
            run = 0 if mask[row, col] else run + 1
            out[row, col] = run
        run = width
        for back in range(width):
            col = width - 1 - back
            run = 0 if mask[row, col] else run + 1
            out[row, col] = min(out[row, col], run)


def cells(n, m, rounds):
    now = cuda.to_device(np.zeros((n, m), dtype=np.uint8))
    after = cuda.device_array_like(now)
    grid = ((n + SIDE - 1) // SIDE, (m + SIDE - 1) // SIDE)
    for _ in range(rounds):
        life[grid, (SIDE, SIDE)](now, after)
        life_tiled[grid, (SIDE, SIDE)](after, now)
    history = cuda.to_device(np.zeros((rounds + 1, n), dtype=np.int32))
    for generation in range(rounds):
        rule_110[(n + 127) // 128, 128](history, generation)
    states = create_xoroshiro128p_states(n * m, seed=3)
    burn[grid, (SIDE, SIDE)](states, now, after, 0.001)
    distance_rows[(n + 127) // 128, 128](now, cuda.device_array((n, m), dtype=np.int32))


def pictures():
    eye = cuda.to_device(np.array([0.0, 0.0, -3.0]))
    image = cuda.device_array((1080, 1920, 3), dtype=np.uint8)
    march[(68, 120), (16, 16)](image, eye, 64)


def geometry(n, m):
    points = cuda.to_device(np.random.rand(n, 3).astype(np.float32))
    queries = cuda.to_device(np.random.rand(m, 3).astype(np.float32))
    nearest[(m + 63) // 64, 64](queries, points, cuda.device_array(m, dtype=np.int64))
    flat = cuda.to_device(np.random.rand(n, 2))
    inside[(n + 63) // 64, 64](flat, cuda.device_array(n, dtype=np.bool_))
    grid = cuda.to_device(np.zeros((32, 32, 32), dtype=np.int32))
    voxels[(n + 63) // 64, 64](points, grid, 0.05)
