# pyright: strict
"""Three dimensions, views, several elements at once, small integers, facts about data."""

import oxide
from oxide import (
    AtomicSlice,
    AtomicSlice2D,
    AtomicSlice3D,
    DisjointSlice,
    DisjointSlice2D,
    DisjointSlice3D,
    LocalArray,
    LocalArray3D,
    SharedArray,
    SharedArray3D,
    Slice,
    Slice2D,
    Slice3D,
    atomic,
    device,
    dynamic_shared,
    f32,
    i8,
    i16,
    i32,
    injective,
    kernel,
    thread,
    u8,
    u16,
    u32,
    within,
)

BLOCK = 64


@device
def dot(x: Slice[f32], y: Slice[f32]) -> f32:
    acc = 0.0
    for k in range(len(x)):
        acc += x[k] * y[k]
    return acc


@device
def fill(row: DisjointSlice[f32], value: f32) -> None:
    for k in range(row.shape[0]):
        row[k] = value


@device
def corner(volume: Slice3D[f32], tile: SharedArray3D[f32], own: LocalArray3D[i32]) -> f32:
    tile[0, 0, 0] = volume[0, 0, 0]
    return tile[0, 0, 0] + f32(own[1, 1, 1])


@device
def bump(counts: SharedArray[u32], plane: Slice2D[f32]) -> None:
    atomic.add(counts, 0, u32(plane[0, 0]))


@kernel(
    block=BLOCK,
    shared=4 * BLOCK,
    max_threads=BLOCK,
    min_blocks=2,
    requires=lambda idx, out: injective(idx) and within(idx, 0, len(out)),
)
def scatter(idx: Slice[i32], a: Slice[f32], out: DisjointSlice[f32]) -> None:
    buffer = dynamic_shared(f32)
    i = thread.index_1d()
    buffer[thread.x] = a[i]
    out[idx[i]] = buffer[thread.x] + len(buffer)


@kernel(domain=3)
def volumes(v: Slice3D[f32], out: DisjointSlice3D[f32], seen: AtomicSlice3D[u32]) -> None:
    plane, row, col = thread.index_3d()
    tile = SharedArray(f32, (2, 4, 8))
    own = LocalArray(i32, (2, 2, 2))
    own[1, 1, 1] = 3
    out[plane, row, col] = v[plane, row, col] + corner(v, tile, own)
    atomic.add(seen, (plane, row, col), 1)
    layer = v[plane]
    line = v[plane, row]
    part = v[0:plane, :, :]
    out[0, 0, 0] = layer[row, col] + line[col] + part[0, row, col] + dot(line, layer[0, :])
    fill(out[plane, row, :], 1.0)


@kernel
def views(m: Slice2D[f32], out: DisjointSlice2D[f32], a: Slice[f32], c: AtomicSlice2D[u32]) -> None:
    i = thread.index_1d()
    tile = SharedArray(f32, (8, 32))
    counts = SharedArray(u32, (8, 32))
    own = LocalArray(f32, 16)
    row = m[i, :]
    half = row[0 : len(row) // 2]
    top = m[:8, :]
    fill(out[i, 4:8], dot(half, a[i:]))
    fill(tile[i % 8, :], dot(m[i], top[0]))
    fill(own[0:8], dot(tile[0, :], own[8:]))
    bump(counts[0, :], top)
    atomic.max(counts[1, :], i, 1)
    atomic.add(c[i, :], 0, 1)
    out[i, 0] = row[0] + tile[i % 8, 0] + f32(row.dtype(1))


@kernel
def wide(a: Slice[f32], m: Slice2D[f32], out: DisjointSlice[f32], q: DisjointSlice[u8]) -> None:
    i = 4 * thread.index_1d()
    x, y, z, w = a.load(i, 4)
    r, s = m.load((i, 0), 2)
    out.store(i, (x + r, y + s, z, w))
    pixels = q.load(i, 16)
    q.store(i, (pixels[0], pixels[15]))


@kernel
def small(a: Slice[i8], b: Slice[u16], out: DisjointSlice[i16], n: u8, f: AtomicSlice[i32]) -> None:
    i = thread.index_1d()
    out[i] = i16(a[i]) + 1
    atomic.or_(f, i8(n), i32(b[i]))


def launches() -> None:
    volume = oxide.zeros((4, 4, 4), f32)
    volumes.prepare(grid=1, block=(4, 4, 4))(volume, volume, oxide.zeros((4, 4, 4), u32))
    small.prepare(grid=1, block=4)(
        oxide.zeros(4, i8), oxide.zeros(4, u16), oxide.zeros(4, i16), 3, oxide.zeros(4, i32)
    )
