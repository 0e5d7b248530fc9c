"""Mistakes inside kernels that type checkers find by the declarations alone."""

from oxide import (
    AtomicSlice,
    DisjointSlice,
    DisjointSlice2D,
    SharedArray,
    Slice,
    Slice2D,
    async_copy,
    async_wait,
    atomic,
    bf16,
    device,
    f32,
    fence,
    i32,
    kernel,
    mma,
    sync_warp,
    thread,
    unsafe,
    warp,
)


@kernel
def stores(a: Slice[f32], counts: AtomicSlice[i32], out: DisjointSlice[i32]) -> None:
    i = thread.index_1d()
    a[i] = 1.0  # expect: pyright mypy
    counts[i] = 1  # expect: pyright mypy
    print(counts[i])  # expect: pyright mypy
    out[i] = 1.5  # expect: pyright mypy
    a.length  # expect: pyright mypy


@kernel
def ranks(a: Slice[f32], m: Slice2D[f32], out: DisjointSlice2D[f32]) -> None:
    tile = SharedArray(f32, 64)
    square = SharedArray(f32, (8, 8))
    print(a[0, 1])  # expect: pyright mypy
    print(m[0] + 1)  # expect: pyright mypy
    out[0] = 1.0  # expect: pyright mypy
    tile[0, 1] = 1.0  # expect: pyright mypy
    square[0] = 1.0  # expect: pyright mypy
    print(a[0.5])  # expect: pyright mypy


@kernel
def atomics(counts: AtomicSlice[i32], out: DisjointSlice[i32]) -> None:
    atomic.add(out, 0, 1)  # expect: pyright mypy
    atomic.add(counts, 0, 1, scope="galaxy")  # expect: pyright mypy
    atomic.add(counts, (0, 0), 1)  # expect: pyright mypy
    atomic.max(counts, 0, 1.5)  # expect: pyright mypy
    atomic.load(counts, 0, order="release")  # expect: pyright mypy
    atomic.store(counts, 0, 1, order="acquire")  # expect: pyright mypy
    atomic.compare_exchange(counts, 0, 1)  # expect: pyright mypy
    fence("warp")  # expect: pyright mypy


@kernel
def warps(a: Slice[f32], out: DisjointSlice[i32]) -> None:
    out[0] = warp.reduce_add(a[0])  # expect: pyright mypy
    warp.shuffle(a[0])  # expect: pyright mypy
    warp.shuffle(a[0], 0.5)  # expect: pyright mypy
    warp.reduce_xor(a[0])  # expect: pyright mypy
    warp.any(a)  # expect: pyright mypy
    warp.shuffel(a[0], 1)  # expect: pyright mypy
    sync_warp(0.5)  # expect: pyright mypy
    with unsafe():  # expect: pyright mypy
        out[0] = 1


@kernel
def tiles(a: Slice[f32], m: Slice2D[bf16], out: DisjointSlice2D[f32]) -> None:
    tile = SharedArray(f32, 64)
    left = mma.FragmentA(bf16, 16)
    right = mma.FragmentB(bf16, 8)
    total = mma.Accumulator(16, 8)
    async_copy(out, (0, 0), a, 0, 4)  # expect: pyright mypy
    async_copy(tile, (0, 0), a, 0, 4)  # expect: pyright mypy
    async_copy(tile, 0, a, 0.5, 4)  # expect: pyright mypy
    async_wait(0.5)  # expect: pyright mypy
    mma.load(total, m, 0, 0)  # expect: pyright mypy
    mma.load(left, a, 0, 0)  # expect: pyright mypy
    mma.multiply_add(total, right, left)  # expect: pyright mypy
    mma.store(m, 0, 0, total)  # expect: pyright mypy


@device
def scaled(v: f32, factor: f32) -> f32:
    return v * factor


@kernel
def calls(a: Slice[f32], out: DisjointSlice[f32]) -> None:
    out[0] = scaled(a[0])  # expect: pyright mypy
    out[1] = scaled(a, 2.0)  # expect: pyright mypy
    for i in range(2.0):  # expect: pyright mypy
        out[i] = 0.0
    print(thread.w)  # expect: pyright mypy


@kernel  # expect: pyright mypy
def returns(a: Slice[f32]) -> f32:
    return a[0]


@kernel(blocks=256)  # expect: pyright mypy
def misspelled(a: Slice[f32]) -> None:
    print(a[0])
