"""Threads together on a real device: warps, grids, orders of memory, and what a launch may be."""

import numpy as np
import pytest

import oxide
from oxide import (
    AtomicSlice,
    DisjointSlice,
    Slice,
    atomic,
    dynamic_shared,
    f32,
    fence,
    grid_sync,
    i32,
    i64,
    injective,
    kernel,
    sync_threads,
    thread,
    u32,
    unsafe,
    warp,
    within,
)
from runtime import asserting

pytestmark = pytest.mark.gpu


@pytest.fixture(autouse=True, params=["cpu", "cuda"])
def device(request):
    with oxide.device(request.param):
        yield request.param


@kernel
def reduce(a: Slice[f32], sums: DisjointSlice[f32], scans: DisjointSlice[f32]):
    i = thread.index_1d()
    v = a[i] if i < len(a) else 0.0
    total = warp.reduce_add(v)
    below = warp.scan_add(v, exclusive=True)
    if i < len(sums):
        sums[i] = total
    if i < len(scans):
        scans[i] = below


@pytest.mark.parametrize("block", [32, 40, 96, 7])
def test_warps(block):
    a = np.arange(3 * block, dtype=np.float32)
    sums, scans = np.zeros_like(a), np.zeros_like(a)
    reduce[3, block](a, sums, scans)
    for first in range(0, 3 * block, block):
        for lane in range(0, block, 32):
            part = a[first + lane : first + min(lane + 32, block)]
            where = slice(first + lane, first + lane + len(part))
            assert (sums[where] == part.sum()).all()
            np.testing.assert_array_equal(scans[where], np.cumsum(part) - part)


@kernel
def of_some(a: Slice[i32], out: DisjointSlice[i32], votes: DisjointSlice[u32]):
    i = thread.index_1d()
    if i >= len(a) or i >= len(out) or i >= len(votes):
        return
    v = a[i]
    out[i] = warp.reduce_max(v) + warp.reduce_add(v, width=8)
    votes[i] = warp.ballot(v > 3) ^ warp.match_any(v) ^ warp.match_all(v & 0)


def test_lanes_that_returned():
    a = (np.arange(70, dtype=np.int32) * 7) % 5
    out, votes = np.zeros(70, np.int32), np.zeros(70, np.uint32)
    of_some[1, 96](a, out, votes)
    for i in range(70):
        lanes = range(i // 32 * 32, min(i // 32 * 32 + 32, 70))
        eight = [a[k] for k in lanes if k // 8 == i // 8]
        assert out[i] == max(a[k] for k in lanes) + sum(eight)
        ballot = sum(1 << k % 32 for k in lanes if a[k] > 3)
        alike = sum(1 << k % 32 for k in lanes if a[k] == a[i])
        assert votes[i] == ballot ^ alike ^ sum(1 << k % 32 for k in lanes)


@kernel(cooperative=True)
def neighbours(a: DisjointSlice[i32], out: DisjointSlice[i32], rounds: i32):
    i = thread.index_1d()
    total = 0
    for r in range(rounds):
        if i < len(a):
            a[i] = i32(i) + i32(r)
        grid_sync()
        if len(a) > 0:
            total += a[(i + 1) % len(a)]
        grid_sync()
    if i < len(out):
        out[i] = i32(total)


@pytest.mark.parametrize("grid", [1, 3, 132, 1000])
def test_a_grid_meets(grid):
    n = grid * 64
    a, out = oxide.zeros(n, i32), oxide.zeros(n, i32)
    for _ in range(3):
        neighbours[grid, 64](a, out, 20)
    i = (np.arange(n) + 1) % n
    np.testing.assert_array_equal(out.numpy(), sum(i + r for r in range(20)))


def test_streams_have_barriers_of_their_own():
    n = 16 * 64
    buffers = [(oxide.zeros(n, i32), oxide.zeros(n, i32), oxide.stream()) for _ in range(4)]
    for _ in range(10):
        for a, out, stream in buffers:
            neighbours[16, 64, stream](a, out, 5)
    i = (np.arange(n) + 1) % n
    for _, out, _ in buffers:
        np.testing.assert_array_equal(out.numpy(), sum(i + r for r in range(5)))


@kernel
def by_groups(a: Slice[i32], out: DisjointSlice[i32], rounds: i32):
    """Lanes meet in groups of eight, the first by a width, the second by masks; then all."""
    i = thread.index_1d()
    mask = u32(255) << u32(warp.lane & 24)
    total = 0
    for r in range(rounds):
        v = a[(i + r) % len(a)] if len(a) > 0 else 0
        total += i64(warp.reduce_add(v, width=8))
        sync_threads()
        with unsafe("each lane names its own group of eight"):
            total += i64(warp.reduce_max(v, mask=mask))
        sync_threads()
    if i < len(out):
        out[i] = i32(total)


@pytest.mark.parametrize("block", [33, 64, 256])
def test_groups_of_lanes_come_to_barriers(block):
    n = 40 * block
    a = np.random.default_rng(5).integers(-50, 50, n).astype(np.int32)
    out = np.zeros(n, np.int32)
    by_groups[40, block](a, out, 20)
    expected = np.zeros(n, np.int64)
    for first in range(0, n, block):
        for lane in range(0, block, 8):
            group = np.arange(first + lane, min(first + lane + 8, first + block))
            for r in range(20):
                part = a[(group + r) % n]
                expected[group] += part.sum() + part.max()
    np.testing.assert_array_equal(out, expected)


@kernel(cooperative=True)
def fewer(a: DisjointSlice[i32], out: DisjointSlice[i32], left: i32):
    i = thread.index_1d()
    if i >= left or i >= len(a) or i >= len(out):
        return
    a[i] = i32(i)
    grid_sync()
    out[i] = a[i]
    grid_sync()
    a[i] = 0


@pytest.mark.parametrize("left", [1, 63, 64, 65, 700, 1024])
def test_blocks_that_returned_are_not_waited_for(left):
    a, out = oxide.zeros(1024, i32), oxide.zeros(1024, i32)
    fewer[16, 64](a, out, left)
    expected = np.where(np.arange(1024) < left, np.arange(1024), 0)
    np.testing.assert_array_equal(out.numpy(), expected)


def test_more_blocks_than_fit_are_refused():
    a = oxide.zeros(64, i32)
    with pytest.raises(oxide.LaunchValueError, match="at most") as caught:
        neighbours[100_000, 64](a, oxide.zeros(64, i32), 1)
    assert caught.value.rule == "OX405"
    assert caught.value.parameter == "grid"


@kernel(shared=1024)
def reverse(out: DisjointSlice[i32]):
    buffer = dynamic_shared(i32)
    t, i = thread.x, thread.index_1d()
    if t < len(buffer):
        buffer[t] = i32(i)
    sync_threads()
    if t < 256 and t < len(buffer) and 255 - t < len(buffer) and i < len(out):
        out[i] = i32(len(buffer))


@pytest.mark.parametrize("size", [1024, 4096, 100_000])
def test_dynamic_shared_memory(size):
    out = oxide.zeros(512, i32)
    reverse[2, 256, None, size](out)
    assert (out.numpy() == size // 4).all()
    with pytest.raises(oxide.LaunchValueError, match="OX405"):
        reverse[2, 256, None, 300_000](out)
    with pytest.raises(oxide.LaunchValueError, match="OX401"):
        reverse[2, 256, None, 100](out)


@kernel
def copy_wide(a: Slice[f32], out: DisjointSlice[f32]):
    i = thread.index_1d() * 4
    if i + 3 < len(out) and i + 3 < len(a):
        x, y, z, w = a.load(i, 4)
        out.store(i, (w, z, y, x))


def test_wide_accesses():
    a = np.arange(1024, dtype=np.float32)
    out = np.zeros_like(a)
    copy_wide[1, 256](a, out)
    np.testing.assert_array_equal(out.reshape(-1, 4), a.reshape(-1, 4)[:, ::-1])


@kernel(requires=lambda index, out: injective(index) and within(index, 0, len(out)))
def scatter(index: Slice[i32], out: DisjointSlice[f32]):
    i = thread.index_1d()
    if i < len(index):
        out[index[i]] = f32(i)


def test_facts_about_data():
    index, out = oxide.asarray(np.arange(99, -1, -1, dtype=np.int32)), oxide.zeros(100, f32)
    for _ in range(3):
        scatter[1, 128](index, out)
    np.testing.assert_array_equal(out.numpy(), np.arange(99, -1, -1))
    index.copy_from(np.array([*range(99), 7], np.int32))
    with pytest.raises(oxide.LaunchValueError, match=r"index\[7\] and index\[99\] are both 7"):
        scatter[1, 128](index, out)
    index.copy_from(np.array([*range(99), 100], np.int32))
    with pytest.raises(oxide.LaunchValueError, match=r"index\[99\] is 100") as caught:
        scatter[1, 128](index, out)
    assert caught.value.rule == "OX401"


@kernel
def chain(values: AtomicSlice[i32], flags: AtomicSlice[i32], out: DisjointSlice[i32]):
    """Each block waits for the one before it."""
    i = thread.index_1d()
    if thread.x == 0 and len(flags) > 0 and len(values) > 0 and i < len(out):
        b = i32(i // 32)
        while atomic.load(flags, 0, order="acquire") != b:
            pass
        out[i] = atomic.load(values, 0)
        atomic.store(values, 0, b + 100)
        fence("device")
        atomic.store(flags, 0, b + 1, order="release")


def test_a_chain_of_blocks():
    out = oxide.zeros(32 * 200, i32)
    chain[200, 32](oxide.zeros(1, i32), oxide.zeros(1, i32), out)
    got = out.numpy()[::32]
    np.testing.assert_array_equal(got, [0, *range(100, 299)])


# Guarded up to this length: no small launch breaks these kernels, and no prover proves them, so
# that their checks remain.
LARGE = 100_000


@kernel(cooperative=True)
def gather_together(index: Slice[i32], a: Slice[f32], out: DisjointSlice[f32]):
    i = thread.index_1d()
    grid_sync()
    if i < len(out) and i < len(index):
        j = index[i]
        if 0 <= j < len(a) or len(a) >= LARGE:
            out[i] = a[j]
    grid_sync()
    if i < len(out):
        out[i] = out[i] + 1.0


def test_who_fails_a_check_still_comes_to_the_grid():
    a = oxide.asarray(np.ones(LARGE, np.float32))
    index = np.arange(1024, dtype=np.int32)
    index[0], index[700] = -1, 2 * LARGE
    out = oxide.zeros(1024, f32)
    with pytest.raises(oxide.KernelIndexError) as caught:
        gather_together[16, 64](oxide.asarray(index), a, out)
        oxide.synchronize()
    assert caught.value.index in (-1, 2 * LARGE)
    expected = np.full(1024, 2.0, np.float32)
    expected[[0, 700]] = 1.0
    np.testing.assert_array_equal(out.numpy(), expected)


@kernel
def wait_for(where: Slice[i32], flags: AtomicSlice[i32], out: DisjointSlice[i32]):
    i = thread.index_1d()
    if i < len(out) and i < len(where) and len(flags) > 0 and i // 32 == 0 and i == 0:
        j = where[i]
        if 0 <= j < len(flags) or len(flags) >= LARGE:
            atomic.store(flags, j, 1, order="release")
    if i < len(out) and thread.x == 0 and len(flags) > 0:
        while atomic.load(flags, 0, order="acquire") == 0:
            pass
        out[i] = 1


def test_nobody_waits_for_what_was_skipped():
    flags, out = oxide.zeros(LARGE, i32), oxide.zeros(128, i32)
    where = np.zeros(128, np.int32)
    wait_for[4, 32](oxide.asarray(where), flags, out)
    assert out.numpy()[::32].tolist() == [1] * 4
    where[0] = LARGE
    flags = oxide.zeros(LARGE, i32)
    with pytest.raises(oxide.KernelIndexError):
        wait_for[4, 32](oxide.asarray(where), flags, out)
        oxide.synchronize()


@kernel
def parts(a: Slice[f32], first: Slice[i32], out: DisjointSlice[f32]):
    i = thread.index_1d()
    if i < len(out) and i < len(first):
        start = i64(first[i])
        if 0 <= start <= len(a) - 4 or len(a) >= LARGE:
            part = a[start : start + 4]
            out[i] = part[0] + part[3]


def test_views_are_checked():
    a = oxide.asarray(np.arange(LARGE, dtype=np.float32))
    first = np.arange(64, dtype=np.int32)
    out = oxide.zeros(64, f32)
    parts[1, 64](a, oxide.asarray(first), out)
    np.testing.assert_array_equal(out.numpy(), 2 * first + 3)
    first[9] = LARGE - 2
    with pytest.raises(oxide.KernelIndexError, match=r"the view \[99998:100002\] of `a`") as caught:
        parts[1, 64](a, oxide.asarray(first), out)
        oxide.synchronize()
    assert (caught.value.start, caught.value.stop, caught.value.thread) == (
        99998,
        100002,
        (9, 0, 0),
    )


@kernel
def wide_from(a: Slice[f32], first: Slice[i32], out: DisjointSlice[f32]):
    i = thread.index_1d()
    if i < len(out) and i < len(first):
        j = i64(first[i])
        if j >= 0 and j + 3 < len(a) and (j % 4 == 0 or len(a) >= LARGE):
            x, y, z, w = a.load(j, 4)
            out[i] = x + y + z + w


def test_wide_accesses_are_checked():
    a = oxide.asarray(np.ones(LARGE, dtype=np.float32))
    first = np.arange(0, 256, 4, dtype=np.int32)
    out = oxide.zeros(64, f32)
    wide_from[1, 64](a, oxide.asarray(first), out)
    assert (out.numpy() == 4).all()
    first[9] = 38
    with pytest.raises(oxide.OxideError, match="from offset 38, which is no multiple of 4"):
        wide_from[1, 64](a, oxide.asarray(first), out)
        oxide.synchronize()


def test_assertions():
    a = np.ones(LARGE, np.int32)
    out = oxide.zeros(64, i32)
    asserting.positive[1, 64](oxide.asarray(a), out)
    a[5] = -1
    with pytest.raises(oxide.KernelAssertion, match="all of `a` are positive") as caught:
        asserting.positive[1, 64](oxide.asarray(a), out)
        oxide.synchronize()
    assert isinstance(caught.value, AssertionError)
    assert caught.value.thread == (5, 0, 0)
