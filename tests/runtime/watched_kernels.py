"""Kernels for the sanitizer; the comment says which rule a launch of 2 blocks of 64 breaks."""

from oxide import (
    AtomicSlice,
    DisjointSlice,
    LocalArray,
    SharedArray,
    Slice,
    atomic,
    block,
    f32,
    fence,
    grid_sync,
    i32,
    kernel,
    sync_threads,
    sync_warp,
    thread,
    warp,
)


@kernel
def reversed_without_barrier(a: Slice[f32], out: DisjointSlice[f32]) -> None:  # OX104
    tile = SharedArray(f32, 64)
    tile[thread.x] = a[thread.x]
    out[thread.index_1d()] = tile[63 - thread.x]


@kernel
def reversed_with_barrier(a: Slice[f32], out: DisjointSlice[f32]) -> None:
    tile = SharedArray(f32, 64)
    tile[thread.x] = a[thread.x]
    sync_threads()
    out[thread.index_1d()] = tile[63 - thread.x]


@kernel
def two_writers(a: Slice[f32], out: DisjointSlice[f32]) -> None:  # OX102
    out[thread.index_1d() // 2] = a[thread.x]


@kernel
def neighbours(a: Slice[f32], out: DisjointSlice[f32]) -> None:  # OX103
    i = thread.index_1d()
    if i + 1 < len(out):
        out[i] = out[i + 1] + a[i]


@kernel
def every_block(a: Slice[f32], out: DisjointSlice[f32]) -> None:  # OX105
    out[thread.x] = a[thread.x]


@kernel
def mixed(a: Slice[f32], out: DisjointSlice[f32]) -> None:  # OX106
    count = SharedArray(i32, 1)
    if thread.x == 0:
        count[0] = 0
    sync_threads()
    atomic.add(count, 0, 1)
    if thread.x == 5:
        out[thread.index_1d()] = f32(count[0])


@kernel
def counted(a: Slice[f32], out: AtomicSlice[f32]) -> None:
    atomic.add(out, thread.x // 8, a[thread.x])


@kernel
def narrow(a: Slice[f32], out: AtomicSlice[f32]) -> None:  # OX107
    atomic.add(out, thread.x, a[thread.x], scope="block")


@kernel
def in_a_warp(a: Slice[f32], out: DisjointSlice[f32]) -> None:
    tile = SharedArray(f32, 64)
    tile[thread.x] = a[thread.x]
    sync_warp()
    out[thread.index_1d()] = tile[thread.x ^ 1]
    sync_warp()
    tile[thread.x ^ 3] = 1.0


@kernel
def out_of_its_warp(a: Slice[f32], out: DisjointSlice[f32]) -> None:  # OX104
    tile = SharedArray(f32, 64)
    tile[thread.x] = a[thread.x]
    sync_warp()
    out[thread.index_1d()] = tile[thread.x ^ 32]


@kernel
def after_a_shuffle(a: Slice[f32], out: DisjointSlice[f32]) -> None:  # OX104
    tile = SharedArray(f32, 64)
    tile[thread.x] = a[thread.x]
    v = warp.shuffle_xor(a[thread.x], 1)
    out[thread.index_1d()] = tile[thread.x ^ 1] + v


@kernel
def handed_over(flag: AtomicSlice[i32], out: DisjointSlice[f32]) -> None:
    if block.x == 0 and thread.x == 0:
        out[100] = 1.0
        atomic.store(flag, 0, 1, order="release")
    if block.x == 1 and thread.x == 0:
        while atomic.load(flag, 0, order="acquire") == 0:
            pass
        out[101] = out[100]


@kernel
def handed_over_by_fences(flag: AtomicSlice[i32], out: DisjointSlice[f32]) -> None:
    if block.x == 0:
        out[thread.x] = 1.0
        sync_threads()
        if thread.x == 0:
            fence()
            atomic.store(flag, 0, 1)
    else:
        if thread.x == 0:
            while atomic.load(flag, 0) == 0:
                pass
            fence()
        sync_threads()
        out[64 + thread.x] = out[thread.x]


@kernel
def handed_over_without_release(flag: AtomicSlice[i32], out: DisjointSlice[f32]) -> None:  # OX105
    if block.x == 0 and thread.x == 0:
        out[100] = 1.0
        atomic.store(flag, 0, 1)
    if block.x == 1 and thread.x == 0:
        while atomic.load(flag, 0, order="acquire") == 0:
            pass
        out[101] = out[100]


@kernel(cooperative=True)
def all_blocks(a: Slice[f32], out: DisjointSlice[f32]) -> None:
    i = thread.index_1d()
    out[i] = a[i]
    grid_sync()
    x = out[127 - i]
    grid_sync()
    out[i] = x


@kernel(cooperative=True)
def all_blocks_but_one_barrier(a: Slice[f32], out: DisjointSlice[f32]) -> None:  # OX105
    i = thread.index_1d()
    out[i] = a[i]
    grid_sync()
    x = out[127 - i]
    sync_threads()
    out[i] = x


@kernel
def half_written(a: Slice[f32], out: DisjointSlice[f32]) -> None:  # OX303
    tile = SharedArray(f32, 64)
    if thread.x < 32:
        tile[thread.x] = a[thread.x]
    sync_threads()
    out[thread.index_1d()] = tile[thread.x]


@kernel
def local_unset(a: Slice[f32], out: DisjointSlice[f32]) -> None:  # OX303
    mine = LocalArray(f32, 4)
    mine[thread.x % 4] = 1.0
    out[thread.index_1d()] = mine[0]


@kernel
def unassigned(a: Slice[f32], out: DisjointSlice[f32]) -> None:  # OX303
    if a[thread.x] > 3.0:
        x = 1.0
    out[thread.index_1d()] = x  # pyright: ignore[reportPossiblyUnboundVariable]


@kernel
def divergent(a: Slice[f32], out: DisjointSlice[f32]) -> None:  # OX201
    if thread.x < 16:
        sync_threads()
    out[thread.index_1d()] = a[thread.x]


@kernel
def divergent_warp(a: Slice[f32], out: DisjointSlice[f32]) -> None:  # OX203
    v = a[thread.x]
    if thread.x != 3:
        v = warp.shuffle_xor(v, 1)
    out[thread.index_1d()] = v


@kernel
def left_early(a: Slice[f32], out: DisjointSlice[f32]) -> None:  # OX202
    tile = SharedArray(f32, 64)
    tile[thread.x] = a[thread.x]
    if thread.x == 63:
        return
    sync_threads()
    out[thread.index_1d()] = tile[thread.x + 1]


@kernel
def past_the_end(a: Slice[f32], out: DisjointSlice[f32]) -> None:  # OX301
    i = thread.index_1d()
    out[i] = a[i + 1]


@kernel
def by_zero(a: Slice[i32], out: DisjointSlice[f32]) -> None:  # OX307
    out[thread.index_1d()] = f32(7 // a[thread.x])


@kernel
def asserted(a: Slice[f32], out: DisjointSlice[f32]) -> None:  # OX308
    assert thread.x < 63
    out[thread.index_1d()] = a[thread.x]
