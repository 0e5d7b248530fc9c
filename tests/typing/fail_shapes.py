"""Mistakes with views, ranks and several elements at once that declarations tell."""

from oxide import (
    AtomicSlice2D,
    DisjointSlice,
    DisjointSlice2D,
    SharedArray,
    Slice,
    Slice2D,
    Slice3D,
    atomic,
    device,
    dynamic_shared,
    f32,
    i32,
    injective,
    kernel,
    thread,
    u32,
    within,
)


@device
def fill(row: DisjointSlice[f32], value: f32) -> None:
    row[0] = value


@device
def first(row: Slice[f32]) -> f32:
    return row[0]


@kernel
def views(a: Slice[f32], m: Slice2D[f32], out: DisjointSlice2D[f32], c: AtomicSlice2D[u32]) -> None:
    tile = SharedArray(f32, (4, 8))
    fill(m[0, :], 1.0)  # expect: pyright mypy
    fill(a[1:], 1.0)  # expect: pyright mypy
    first(m[:, 0])  # expect: pyright mypy
    first(m[0:1, :])  # expect: pyright mypy
    first(c[0, :])  # expect: pyright mypy
    first(tile[:, 0])  # expect: pyright mypy
    m[0, :][0] = 1.0  # expect: pyright mypy
    out[0, :] = 1.0  # expect: pyright mypy
    a[1:2][0, 0]  # expect: pyright mypy
    a["x":]  # expect: pyright mypy
    atomic.add(out[0, :], 0, 1.0)  # expect: pyright mypy


@kernel
def ranks(v: Slice3D[f32], out: DisjointSlice[f32]) -> None:
    plane, row = thread.index_3d()  # expect: pyright mypy
    out[0] = v[0, 0]  # expect: pyright mypy
    out[0] = v[0, 0, 0, 0]  # expect: pyright mypy


@kernel
def wide(a: Slice[f32], m: Slice2D[f32], out: DisjointSlice[f32]) -> None:
    x, y = a.load(0, 4)  # expect: pyright mypy
    a.load(0, 3)  # expect: pyright mypy
    m.load(0, 2)  # expect: pyright mypy
    a.store(0, (1.0, 2.0))  # expect: pyright mypy
    out.store(0, (1.0, 2.0, 3.0))  # expect: pyright mypy
    dynamic_shared()  # expect: pyright mypy
    dynamic_shared(f32)[0, 0]  # expect: pyright mypy


@kernel(shared="4")  # expect: pyright mypy
def contracts(idx: Slice[i32], a: Slice[f32]) -> None:
    injective(a)  # expect: pyright mypy
    within(idx, 0)  # expect: pyright mypy
