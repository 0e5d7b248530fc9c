"""Launches in the reference interpreter: the same results, and every fault an exception."""

from pathlib import Path

import numpy as np
import pytest

import oxide
from oxide import (
    Const,
    DisjointSlice,
    SharedArray,
    Slice,
    block,
    f32,
    i32,
    injective,
    kernel,
    sync_threads,
    thread,
    warp,
)
from runtime import programs


@pytest.fixture(autouse=True)
def interpreter():
    with oxide.device("interpreter"):
        yield


def text_after(kernel, words):
    """The number of the first line behind the definition of a kernel that has these words."""
    code = kernel.__wrapped__.__code__
    lines = Path(code.co_filename).read_text(encoding="utf-8").splitlines()
    return next(n for n, line in enumerate(lines, 1) if n >= code.co_firstlineno and words in line)


@kernel(block=32)
def reverse(a: Slice[f32], out: DisjointSlice[f32]):
    tile = SharedArray(f32, 32)
    i = thread.index_1d()
    tile[thread.x] = a[i] if i < len(a) else 0.0
    if i < len(out):
        out[i] = tile[31 - thread.x]  # races with the write


@kernel
def everybody(out: DisjointSlice[f32]):
    out[0] = f32(thread.x)


@kernel
def blocks(out: DisjointSlice[f32]):
    if thread.x == 0 and len(out) > 0:
        out[0] = f32(block.x)


@kernel
def divergent(out: DisjointSlice[f32]):
    if thread.x < 2:
        sync_threads()  # for some
    out[thread.index_1d()] = 1.0


@kernel
def half_a_warp(out: DisjointSlice[f32]):
    v = 1.0
    if thread.x < 2:
        v = warp.shuffle_down(v, 1)  # for some
    out[thread.index_1d()] = v


@kernel(block=4)
def undefined(out: DisjointSlice[f32]):
    tile = SharedArray(f32, 4)
    if thread.x > 0:
        tile[thread.x] = 1.0
    sync_threads()
    if thread.index_1d() < len(out):
        out[thread.index_1d()] = tile[thread.x]


@kernel(requires=lambda to, out: len(out) > 0 and injective(to))
def scatter(to: Slice[i32], out: DisjointSlice[f32]):
    i = thread.index_1d()
    if i < len(to):
        out[to[i]] = 1.0


@kernel(block=4)
def leaves(out: DisjointSlice[f32]):
    tile = SharedArray(f32, 4)
    if thread.x == 0:
        return  # and never writes
    tile[thread.x] = 1.0
    sync_threads()
    if thread.index_1d() < len(out):
        out[thread.index_1d()] = tile[0]


@kernel
def times(a: DisjointSlice[f32], n: Const[int]):
    i = thread.index_1d()
    if i < len(a):
        a[i] = a[i] * n


# ---------------------------------------------------------------- what is right


def test_it_computes_the_same():
    a, b = np.arange(100, dtype=np.float32), np.ones(100, np.float32)
    c = np.zeros(100, np.float32)
    programs.vecadd[4, 32](a, b, c)
    np.testing.assert_array_equal(c, a + b)
    c[:] = 0
    programs.vecadd.prepare(grid=4, block=32).bind(a, b, c)()
    np.testing.assert_array_equal(c, a + b)


def test_buffers_are_those_of_the_cpu():
    a, b, c = oxide.asarray(np.ones(8, np.float32)), oxide.zeros(8, f32), oxide.zeros(8, f32)
    assert c.device == "cpu"
    programs.vecadd[1, 8](a, b, c)
    np.testing.assert_array_equal(c.numpy(), np.ones(8))


def test_launches_complete_kernels():
    a = np.ones(4, np.float32)
    times[1, 4](a, 3)
    times[1, 4](a, 5)
    np.testing.assert_array_equal(a, np.full(4, 15))


def test_only_what_is_inside_is_interpreted(monkeypatch):
    assert repr(oxide.device("interpreter")) == "oxide.device('interpreter')"
    with oxide.device("cpu"), pytest.raises(oxide.CheckError):
        everybody[1, 2](np.zeros(1, np.float32))
    with pytest.raises(oxide.KernelRaceError):
        everybody[1, 2](np.zeros(1, np.float32))


def test_the_environment_chooses_it(monkeypatch):
    from oxide_codegen import devices

    token = devices._chosen.set(None)
    try:
        monkeypatch.setenv("OXIDE_DEVICE", "interpreter")
        assert devices.way() is devices.Way.INTERPRETER
        assert devices.current() == devices.CPU
        monkeypatch.setenv("OXIDE_DEVICE", "cpu")
        assert devices.way() is None
    finally:
        devices._chosen.reset(token)


# ---------------------------------------------------------------- what is wrong


def test_a_race_names_both_threads():
    a, out = np.arange(32, dtype=np.float32), np.zeros(32, np.float32)
    with pytest.raises(oxide.KernelRaceError) as caught:
        reverse[1, 32](a, out)
    error = caught.value
    assert error.rule == "OX104"
    assert error.array == "tile"
    assert {error.first.kind, error.second.kind} == {"read", "write"}
    reader, writer = sorted((error.first, error.second), key=lambda step: step.kind)
    assert reader.where.line == text_after(reverse, "races with the write")
    assert writer.where.line == text_after(reverse, "tile[thread.x] =")
    assert reader.where.thread[0] == 31 - writer.where.thread[0]
    assert writer.where.thread[0] == error.index[0]
    lines = str(error).splitlines()
    assert lines[0] == (
        f"reverse: `tile[{error.index[0]}]` is read and written, and nothing orders it"
    )
    assert lines[1].endswith(f"thread ({error.first.where.thread[0]}, 0, 0), {error.first.kind}")
    assert lines[2].endswith(f"thread ({error.second.where.thread[0]}, 0, 0), {error.second.kind}")
    assert error.thread == error.second.where.thread


def test_races_in_and_between_blocks():
    with pytest.raises(oxide.KernelRaceError, match="is written twice") as caught:
        everybody[1, 4](np.zeros(1, np.float32))
    assert caught.value.rule == "OX102"
    with pytest.raises(oxide.KernelRaceError, match="is written twice") as caught:
        blocks[2, 4](np.zeros(1, np.float32))
    assert caught.value.rule == "OX105"
    assert caught.value.first.where.block != caught.value.second.where.block


def test_a_divergent_barrier():
    with pytest.raises(oxide.KernelConvergenceError, match="barrier") as caught:
        divergent[1, 4](np.zeros(4, np.float32))
    error = caught.value
    assert error.rule == "OX201"
    assert error.second.kind == "wait"
    assert error.line == text_after(divergent, "for some")
    assert error.first is not None
    assert error.first.where.thread[0] >= 2


def test_a_divergent_warp():
    with pytest.raises(oxide.KernelConvergenceError, match="warp operation") as caught:
        half_a_warp[1, 4](np.zeros(4, np.float32))
    assert caught.value.rule == "OX203"


def test_an_uninitialised_read():
    with pytest.raises(oxide.KernelUninitialisedError, match=r"`tile\[0\]` is read") as caught:
        undefined[1, 4](np.zeros(4, np.float32))
    assert (caught.value.rule, caught.value.thread) == ("OX303", (0, 0, 0))


def test_an_exit_that_others_miss():
    with pytest.raises(oxide.KernelConvergenceError, match="returned before a barrier") as caught:
        leaves[1, 4](np.zeros(4, np.float32))
    error = caught.value
    assert error.rule == "OX202"
    assert error.first is not None
    assert (error.first.kind, error.first.where.thread) == ("exit", (0, 0, 0))
    assert error.first.where.line == text_after(leaves, "and never writes")


def test_an_index_out_of_bounds():
    with pytest.raises(oxide.KernelIndexError, match="index 3 is out of bounds") as caught:
        scatter[1, 4](np.array([0, 3], np.int32), np.zeros(2, np.float32))
    assert (caught.value.thread, caught.value.length) == ((1, 0, 0), 2)


def test_a_zero_divisor():
    with pytest.raises(ZeroDivisionError):
        programs.divide[1, 4](np.ones(4, np.int64), 0)


def test_what_was_written_before_a_fault_stays():
    out = np.zeros(2, np.float32)
    with pytest.raises(oxide.KernelIndexError):
        scatter[1, 1](np.array([1], np.int32), out[:1])
    with pytest.raises(oxide.KernelIndexError):
        scatter[1, 4](np.array([1, 7], np.int32), out)
    np.testing.assert_array_equal(out, [0, 1])


def test_a_launch_is_checked_as_ever():
    out = np.zeros(2, np.float32)
    with pytest.raises(oxide.LaunchValueError, match="injective"):
        scatter[1, 4](np.zeros(2, np.int32), out)
    with pytest.raises(oxide.LaunchValueError, match="declared with block"):
        undefined[1, 8](out)
    with pytest.raises(oxide.LaunchValueError, match=r"len\(a\) >= len\(c\)"):
        programs.vecadd[1, 4](out[:1], out, np.zeros(2, np.float32))
    with pytest.raises(oxide.LaunchTypeError):
        everybody[1, 4](np.zeros(2, np.int32))
    everybody[0, 4](out)


def test_what_cannot_be_read_is_refused():
    with pytest.raises(oxide.CheckError):
        programs.refused[1, 4](np.zeros(2, np.float32))


def test_steps_are_bounded(monkeypatch):
    from oxide_codegen import interpreted

    monkeypatch.setattr(interpreted, "_STEPS", 50)
    with pytest.raises(oxide.DeviceError, match="more than 50 steps"):
        times[1, 1024](np.ones(1024, np.float32), 2)
