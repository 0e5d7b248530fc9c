"""Simulations: bodies, fields, fluids, spins; buffers that swap places."""

import math

import numpy as np

from numba import cuda, float32, float64

BODIES = 128
SOFT = 1e-3
Q = 9
CX = (0, 1, 0, -1, 0, 1, -1, -1, 1)
CY = (0, 0, 1, 0, -1, 1, 1, -1, -1)


@cuda.jit
def forces(position, force):
    tile = cuda.shared.array((BODIES, 4), float32)
    i = cuda.grid(1)
    t = cuda.threadIdx.x
    n = position.shape[0]
    x = y = z = 0.0
    if i < n:
        x, y, z = position[i, 0], position[i, 1], position[i, 2]
    ax = ay = az = 0.0
    for start in range(0, n, BODIES):
        if start + t < n:
            for k in range(4):
                tile[t, k] = position[start + t, k]
        cuda.syncthreads()
        for j in range(min(BODIES, n - start)):
            dx, dy, dz = tile[j, 0] - x, tile[j, 1] - y, tile[j, 2] - z
            r = dx * dx + dy * dy + dz * dz + SOFT
            s = tile[j, 3] / (r * math.sqrt(r))
            ax += dx * s
            ay += dy * s
            az += dz * s
        cuda.syncthreads()
    if i < n:
        force[i, 0] = ax
        force[i, 1] = ay
        force[i, 2] = az


@cuda.jit
def advance(position, velocity, force, dt):
    i = cuda.grid(1)
    if i < position.shape[0]:
        for k in range(3):
            velocity[i, k] += dt * force[i, k]
            position[i, k] += dt * velocity[i, k]


@cuda.jit
def heat(u, v, alpha):
    i, j, k = cuda.grid(3)
    nx, ny, nz = u.shape
    if 1 <= i < nx - 1 and 1 <= j < ny - 1 and 1 <= k < nz - 1:
        around = u[i - 1, j, k] + u[i + 1, j, k] + u[i, j - 1, k] + u[i, j + 1, k]
        around += u[i, j, k - 1] + u[i, j, k + 1]
        v[i, j, k] = u[i, j, k] + alpha * (around - 6 * u[i, j, k])


@cuda.jit
def update_h(hx, hy, ez, c):
    i, j = cuda.grid(2)
    nx, ny = ez.shape
    if i < nx and j < ny - 1:
        hx[i, j] -= c * (ez[i, j + 1] - ez[i, j])
    if i < nx - 1 and j < ny:
        hy[i, j] += c * (ez[i + 1, j] - ez[i, j])


@cuda.jit
def update_e(hx, hy, ez, c, source):
    i, j = cuda.grid(2)
    nx, ny = ez.shape
    if 0 < i < nx - 1 and 0 < j < ny - 1:
        ez[i, j] += c * (hy[i, j] - hy[i - 1, j] - hx[i, j] + hx[i, j - 1])
        if i == nx // 2 and j == ny // 2:
            ez[i, j] += source


@cuda.jit
def stream_and_collide(before, after, omega):
    x, y = cuda.grid(2)
    _, nx, ny = before.shape
    if x >= nx or y >= ny:
        return
    rho = ux = uy = 0.0
    for q in range(Q):
        f = before[q, (x - CX[q] + nx) % nx, (y - CY[q] + ny) % ny]
        rho += f
        ux += CX[q] * f
        uy += CY[q] * f
    ux /= rho
    uy /= rho
    for q in range(Q):
        cu = CX[q] * ux + CY[q] * uy
        equilibrium = rho * (1 + 3 * cu + 4.5 * cu * cu - 1.5 * (ux * ux + uy * uy)) / 9
        f = before[q, (x - CX[q] + nx) % nx, (y - CY[q] + ny) % ny]
        after[q, x, y] = f + omega * (equilibrium - f)


@cuda.jit
def ising(spins, randoms, beta, colour):
    i, j = cuda.grid(2)
    n, m = spins.shape
    if 0 < i < n - 1 and 0 < j < m - 1 and (i + j) % 2 == colour:
        around = spins[i - 1, j] + spins[i + 1, j] + spins[i, j - 1] + spins[i, j + 1]
        if randoms[i, j] < math.exp(-2.0 * beta * spins[i, j] * around):
            spins[i, j] = -spins[i, j]


@cuda.jit
def wave(before, now, after, c):
    i = cuda.grid(1)
    if i == 0 or i == now.size - 1:
        after[i] = 0.0
    elif i < now.size:
        after[i] = 2 * now[i] - before[i] + c * (now[i - 1] - 2 * now[i] + now[i + 1])


@cuda.jit
def energy(velocity, mass, total):
    part = cuda.shared.array(BODIES, float64)
    i, t = cuda.grid(1), cuda.threadIdx.x
    part[t] = 0.5 * mass[i] * velocity[i] ** 2 if i < mass.size else 0.0
    cuda.syncthreads()
    if t == 0:
        s = 0.0
        for k in range(BODIES):
            s += part[k]
        cuda.atomic.add(total, 0, s)


def bodies(n, steps):
    position = cuda.to_device(np.random.rand(n, 4).astype(np.float32))
    velocity = cuda.device_array((n, 3), dtype=np.float32)
    force = cuda.device_array((n, 3), dtype=np.float32)
    blocks = (n - 1) // BODIES + 1
    for _ in range(steps):
        forces[blocks, BODIES](position, force)
        advance[blocks, BODIES](position, velocity, force, 0.01)
    total = np.zeros(1)
    energy[blocks, BODIES](np.ones(n), np.ones(n), total)


def fields(nx, ny, steps):
    ez, hx, hy = np.zeros((nx, ny)), np.zeros((nx, ny)), np.zeros((nx, ny))
    threads = (8, 32)
    blocks = (-(-nx // threads[0]), -(-ny // threads[1]))
    for step in range(steps):
        update_h[blocks, threads](hx, hy, ez, 0.5)
        update_e[blocks, threads](hx, hy, ez, 0.5, math.sin(0.1 * step))
    a = cuda.to_device(np.ones((Q, nx, ny)))
    b = cuda.device_array_like(a)
    for _ in range(steps):
        stream_and_collide[blocks, threads](a, b, 1.7)
        a, b = b, a
    spins = np.ones((nx, ny), dtype=np.int8)
    for colour in (0, 1):
        ising[blocks, threads](spins, np.random.rand(nx, ny), 0.4, colour)


def strings(n, steps):
    x, y, z = cuda.device_array(n), cuda.device_array(n), cuda.device_array(n)
    for _ in range(steps):
        wave[(n + 63) // 64, 64](x, y, z, 0.3)
        x, y, z = y, z, x
    cube = np.zeros((n, n, n))
    grid = ((n + 7) // 8,) * 3
    heat[grid, (8, 8, 8)](cube, np.zeros((n, n, n)), 0.1)
