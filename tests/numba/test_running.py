"""`oxide.numba`: kernels and launches as they are written for Numba, on the cpu device."""

from __future__ import annotations

import linecache
import math
import operator
import warnings
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

import oxide
from oxide.numba import UnprovedKernelWarning, UnsupportedKernelError, cuda, float32, int32, void
from oxide_codegen.numba.types import signatures
from runtime import fake_cuda
from runtime import numba_kernels as kernels

if TYPE_CHECKING:
    from collections.abc import Iterator

N = 100


@pytest.fixture(autouse=True)
def on_the_cpu() -> Iterator[None]:
    with oxide.device("cpu"), warnings.catch_warnings():
        warnings.simplefilter("error")
        yield


def ramp(n: int = N, dtype: Any = np.float32) -> Any:
    return np.arange(n).astype(dtype)


# ---------------------------------------------------------------- arguments


def test_host_arrays_come_back() -> None:
    out = np.zeros(N, np.float32)
    kernels.scaled[2, 64](ramp(), out, 2)
    assert (out == 2 * ramp() + 3).all()
    kernels.scaled[(2,), [64]](ramp(), out, np.float32(0.5))
    assert (out == np.float32(0.5) * ramp() + 3).all()
    kernels.scaled.forall(N)(ramp(), out, by=True)
    assert (out == ramp() + 3).all()


def test_each_kind_of_arguments_has_code_of_its_own() -> None:
    out = np.zeros(N)
    kernels.scaled[2, 64](ramp(dtype=np.int16), out, 0.25)
    assert (out == ramp(dtype=np.int16) * 0.25 + 3).all()
    found = kernels.scaled.report(ramp(), out, 2)
    assert found.verdict.value == "proved"
    assert "len(x) >= len(out)" in [fact.text for fact in found.facts]


def test_strided_arrays_are_copied_there_and_back() -> None:
    x = ramp(2 * N)
    kernels.copied[1, 128](x[1::2].copy(), x[::2])
    assert (x[::2] == np.arange(1, 2 * N, 2) + 1).all()
    assert (x[1::2] == np.arange(1, 2 * N, 2)).all()
    square = np.zeros((4, 6), order="F")
    kernels.numbered[(1, 1), (8, 8)](square)
    assert (square == 10 * np.arange(4)[:, None] + np.arange(6)).all()


def test_device_arrays_and_their_views() -> None:
    d = cuda.to_device(ramp())
    out = cuda.device_array_like(d)
    assert (out.shape, out.dtype, out.strides) == ((N,), np.float32, (4,))
    kernels.copied[1, 128](d, out)
    kernels.copied[1, 128](d[:10], out[90:])
    assert (out[90:].copy_to_host() == ramp(10) + 1).all()
    assert out[5] == 6
    out[:5] = 7
    there = np.zeros(N, np.float32)
    out.copy_to_host(there)
    assert (there[:6] == [7, 7, 7, 7, 7, 6]).all()
    square = cuda.to_device(np.zeros((4, 6)))
    kernels.numbered[(1, 1), (8, 8)](square.T[1:])
    assert square.copy_to_host()[3].tolist() == [0, 3, 13, 23, 33, 43]
    assert square.reshape(-1).shape == (24,)
    assert square[1].ravel().shape == (6,)
    with pytest.raises(TypeError, match="advanced indexing"):
        square[[0, 1]]


def test_host_and_device_arrays_may_be_mixed() -> None:
    host = np.zeros(N, np.float32)
    kernels.copied[1, 128](cuda.to_device(ramp()), host)
    assert (host == ramp() + 1).all()


def test_an_array_may_be_given_twice() -> None:
    x, d = ramp(), cuda.to_device(ramp())
    kernels.copied[1, 128](x, x)
    kernels.copied[1, 128](d, d)
    assert (x == ramp() + 1).all()
    assert (d.copy_to_host() == ramp() + 1).all()


def test_arrays_that_overlap_run_with_a_warning() -> None:
    d = cuda.to_device(ramp())
    with pytest.warns(UnprovedKernelWarning, match="shares memory"):
        kernels.copied[1, 128](d[10:60], d[:50])
    assert (d.copy_to_host()[:50] == np.arange(11, 61)).all()


def test_tuples_and_signatures() -> None:
    out = np.zeros(4)
    kernels.of_tuple[1, 4]((2, 0.5), out)
    assert out.tolist() == [0.5, 2.5, 4.5, 6.5]
    x = np.ones(4, np.float32)
    kernels.declared[1, 4](x, 3, 2)
    assert x.tolist() == [3, 3, 1, 1]
    with pytest.raises(TypeError, match=r"no signature of it takes \(f64\[:\], i64, i64\)"):
        kernels.declared[1, 4](np.ones(4), 3, 2)
    assert signatures(void(float32[:, ::1], int32)) == signatures("void(float32[:, :], i4)")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((np.array(["a"]), ramp(), 1), "no elements of <U1"),
        ((None, ramp(), 1), "`x` is a NoneType"),
        ((np.array(1.0), ramp(), 1), "no dimensions"),
        ((ramp(), ramp()), "missing a required argument: 'by'"),
    ],
)
def test_other_arguments_are_refused(arguments: tuple[Any, ...], message: str) -> None:
    with pytest.raises(TypeError, match=message):
        kernels.scaled[1, 128](*arguments)


# ---------------------------------------------------------------- meaning


def test_blocks_share_memory_and_meet() -> None:
    out = np.zeros(2, np.float32)
    kernels.block_total[2, 64](ramp(), out)
    assert out.tolist() == [ramp()[:64].sum(), ramp()[64:].sum()]


def test_factories_capture_functions_and_numbers() -> None:
    out = np.zeros(N, np.float32)
    kernels.make(kernels.square, 2)[1, 128](ramp(), out)
    assert (out == (ramp() * ramp() + np.float64(2 * np.float32(0.1))).astype(np.float32)).all()
    kernels.make(kernels.halved, 0)[1, 128](ramp(), out)
    assert (out == ramp() / 2).all()


def test_a_negative_index_counts_from_behind() -> None:
    out = np.zeros(N, np.float32)
    with pytest.warns(UnprovedKernelWarning, match="not proved to be inside `x`"):
        kernels.shifted[1, 128](ramp(), out)
    assert (out == np.roll(ramp(), 1)).all()


def test_a_kernel_prints(capfd: pytest.CaptureFixture[str]) -> None:
    kernels.spoken[1, 4](ramp(4))
    assert capfd.readouterr().out == "x is 1 1\n"


# ---------------------------------------------------------------- what is not proved


def test_facts_are_checked_and_what_is_not_proved_runs_with_checks() -> None:
    out = np.zeros(128, np.float32)
    kernels.unguarded[2, 64](out)
    assert out.all()
    with (
        pytest.warns(UnprovedKernelWarning, match="does not fulfil"),
        pytest.raises(IndexError, match=r"index \d+ is out of bounds of `out` with length 100"),
    ):
        kernels.unguarded[2, 64](np.zeros(N, np.float32))
    kernels.unguarded[2, 64](out)


def test_one_warning_carries_the_finding() -> None:
    x, out = ramp(), np.zeros(N, np.float32)
    with pytest.warns(UnprovedKernelWarning, match="OX10[25] at .*numba_kernels") as caught:
        kernels.clashing[1, 128](x, out)
    assert caught[0].filename == __file__
    told: Any = caught[0].message
    assert {d.code for d in told.diagnostics} & {"OX102", "OX105"}
    kernels.clashing[1, 128](x, out)
    assert set(out[:50] // 2) == set(range(50))


def test_a_kernel_or_the_environment_may_refuse(monkeypatch: pytest.MonkeyPatch) -> None:
    x, out = ramp(), np.zeros(N, np.float32)
    with pytest.raises(oxide.CheckError, match=r"two threads|thread \d+"):
        kernels.refused[1, 128](x, out)
    assert not out.any()
    monkeypatch.setenv("OXIDE_NUMBA", "refuse")
    with pytest.raises(oxide.CheckError):
        kernels.clashing[1, 128](x, out)
    monkeypatch.setenv("OXIDE_NUMBA", "allow")
    kernels.clashing[1, 128](x, out)
    monkeypatch.setenv("OXIDE_NUMBA", "perhaps")
    with pytest.raises(ValueError, match="OXIDE_NUMBA is one of warn, refuse, allow"):
        kernels.clashing[1, 128](x, out)


def test_what_cannot_be_compiled_is_named_with_its_place() -> None:
    with pytest.raises(UnsupportedKernelError, match=r"numba_kernels\.py:\d+: .*norm"):
        kernels.unknown_call[1, 1](ramp())


# ---------------------------------------------------------------- the host


def test_keywords_of_jit() -> None:
    @cuda.jit(fastmath=True, max_registers=64, cache=True, launch_bounds=(128, 2))
    def tuned(x: Any) -> None:
        x[0] = 1

    assert tuned.options.fast_math
    assert (tuned.options.max_threads, tuned.options.min_blocks) == (128, 2)
    with pytest.raises(NotImplementedError, match="foreign code"):
        cuda.jit(link=["other.cu"])
    with pytest.raises(TypeError, match="no keyword 'fastmat'"):
        cuda.jit(fastmat=True)
    with pytest.raises(TypeError, match=r"launched with a grid and a block: tuned\[grid, block\]"):
        tuned(ramp())
    with pytest.raises(TypeError, match="a kernel returns nothing"):
        cuda.jit("float32(float32[:])")
    with pytest.raises(TypeError, match="device function, which kernels call"):
        kernels.square[1, 1](ramp())


def test_streams_events_and_devices() -> None:
    begin, end = cuda.event(), cuda.event()
    stream = cuda.stream()
    begin.record(stream)
    with stream.auto_synchronize():
        d = cuda.to_device(ramp(), stream=stream)
        kernels.copied[1, 128, stream](d, d)
    end.record(stream)
    end.synchronize()
    assert cuda.event_elapsed_time(begin, end) >= 0
    assert (d.copy_to_host(stream=stream) == ramp() + 1).all()
    assert cuda.is_available()
    assert cuda.get_current_device().WARP_SIZE == 32
    assert cuda.current_context().get_memory_info().total > 0
    assert [device.id for device in cuda.gpus] == [0]
    with cuda.gpus[0], cuda.pinned(ramp()), cuda.defer_cleanup():
        cuda.select_device(0)
    assert cuda.pinned_array((2, 3), np.int32).shape == (2, 3)
    cuda.synchronize()


def test_names_of_kernels_have_no_meaning_outside() -> None:
    with pytest.raises(oxide.OutsideKernelError, match=r"`cuda\.grid` has a meaning only inside"):
        cuda.grid(1)
    with pytest.raises(oxide.OutsideKernelError, match=r"cuda\.atomic\.add"):
        cuda.atomic.add(ramp(), 0, 1)


def test_the_interpreter_runs_them_too() -> None:
    out = np.zeros(8, np.float32)
    with oxide.device("interpreter"):
        kernels.copied[1, 8](ramp(8), out)
    assert (out == ramp(8) + 1).all()


# ---------------------------------------------------------------- on a GPU that is made up


@pytest.fixture
def driver(monkeypatch: pytest.MonkeyPatch) -> Any:
    return fake_cuda.install(monkeypatch)


def test_launches_on_a_gpu_copy_host_arrays_and_repeat_others(driver: Any) -> None:
    with oxide.device("cuda"):
        out = np.zeros(N, np.float32)
        kernels.scaled[2, 64](ramp(), out, 2)
        assert (out == 2 * ramp() + 3).all()
        d, e = cuda.to_device(ramp()), cuda.device_array(N, np.float32)
        assert str(d.device_id) == "cuda:0"
        launch = kernels.copied[1, 128]
        driver.log.clear()
        for _ in range(5):
            launch(d, e)
            launch(e, d)
        assert driver.log == [("launch", fake_cuda.LEGACY)] * 10
        assert launch.repeated is not None
        assert (d.copy_to_host() == ramp() + 10).all()
        launch(d, d)
        launch(d[:50], e[50:])
        launch(ramp(), e)
        assert (e.copy_to_host() == ramp() + 1).all()
        kernels.numbered[(1, 1), (8, 8)](cuda.to_device(np.zeros((4, 6))).T)
        host = np.zeros(N, np.float32)
        launch(e, host)
        assert (host == ramp() + 2).all()
        kernels.copied[1, 128](host[::2].copy(), host[1::2])
        assert (host[1::2] == ramp()[::2] + 3).all()


@pytest.mark.usefixtures("driver")
def test_a_failure_on_a_gpu_is_raised_where_the_host_waits() -> None:
    with oxide.device("cuda"):
        out = cuda.device_array(N, np.float32)
        warnings.simplefilter("ignore", UnprovedKernelWarning)
        kernels.unguarded[2, 64](out)
        with pytest.raises(IndexError, match="out of bounds of `out`"):
            cuda.synchronize()


# ---------------------------------------------------------------- functions as values

MADE = """
from oxide.numba import cuda
@cuda.jit
def made(x):
    i = cuda.grid(1)
    if i < x.size:
        x[i] += 2
"""


def test_a_kernel_that_was_made_of_text_says_what_to_do_and_that_helps() -> None:
    lost: dict[str, Any] = {}
    exec(MADE, lost)
    x = np.zeros(4)
    with pytest.raises(oxide.SourceError, match=r"linecache\.cache") as failed:
        lost["made"][1, 4](x)
    # What the message says is what is done.
    advice = str(failed.value).rpartition("before: `")[2].removesuffix("`")
    kept: dict[str, Any] = {"text": MADE, "name": "<made>", "linecache": linecache}
    exec(advice, kept)
    kept["made"][1, 4](x)
    assert x.tolist() == [2, 2, 2, 2]


@pytest.mark.parametrize(
    ("op", "of", "expected"),
    [
        (operator.add, math.sqrt, [math.sqrt(3)] * 4),
        (operator.ipow, abs, [0, 1, 2, 1]),
        (max, np.sin, np.sin([3, 2, 2, 3]).tolist()),
        (np.minimum, float, [0, 1, 1, 0]),
        (operator.le, int, [1, 1, 0, 0]),
        (operator.truediv, operator.neg, [0, -0.5, -2, -math.inf]),
    ],
)
def test_functions_of_libraries_are_values(op: Any, of: Any, expected: list[float]) -> None:
    x, out = ramp(4, np.float64), np.zeros(4)
    kernels.made_of(op, of)[1, 4](x, x[::-1].copy(), out)
    assert out.tolist() == pytest.approx(expected, rel=1e-15)


def test_and_and_or_give_the_operand_that_decides() -> None:
    x, out = np.array([0, 5, 2, 7]), np.zeros(4, np.int64)
    kernels.deciding[1, 4](x, out)
    assert out.tolist() == [63, 705, 702, 1707]


def test_operators_are_functions() -> None:
    x, out = ramp(4, np.float64), np.zeros(4)
    kernels.operators[1, 4](x, out)
    assert out.tolist() == [3, 3, 2 + 4 + 2 + 1, 3 + 9 + 3 + 1]
    for op, total in ((cuda.atomic.add, 6), (cuda.atomic.max, 3)):
        result = np.zeros(1)
        kernels.gathered(op)[1, 4](x, result)
        assert result.tolist() == [total]
