"""Intrinsics of `numba.cuda` through `oxide.numba`, against what Python says, on each device."""

from __future__ import annotations

import warnings
from collections import namedtuple
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

import oxide
from oxide_analyzer.analysis import check
from oxide_analyzer.diagnostics import Verdict
from oxide_analyzer.modules import NoModules
from oxide_analyzer.source import SourceFile
from oxide_codegen import compiled, toolchain
from oxide_codegen.errors import LaunchValueError
from oxide_codegen.numba.verdicts import UnsupportedKernelError
from runtime import numba_intrinsics as kernels

if TYPE_CHECKING:
    from collections.abc import Iterator

DEVICES = ("cpu", "interpreter", "sanitizer")


@pytest.fixture(autouse=True)
def quiet() -> Iterator[None]:
    with oxide.device("cpu"), warnings.catch_warnings():
        warnings.simplefilter("error")
        yield


@pytest.mark.parametrize("device", DEVICES)
@pytest.mark.parametrize("dtype", [np.uint32, np.uint64])
def test_counters_go_round(device: str, dtype: Any) -> None:
    counts = np.array([0, 5, 9, 3], dtype)
    old = np.zeros(64, dtype)
    with oxide.device(device):
        kernels.counted_up[1, 64](counts, 6, old)
        kernels.counted_down[1, 1](counts, 6)
    # 64 steps round 0 … 6; one step down from 9 is 6, from 0 as well.
    assert sorted(old.tolist()) == sorted(k % 7 for k in range(64))
    assert counts.tolist() == [64 % 7, 4, 6, 2]


@pytest.mark.parametrize("device", DEVICES)
def test_lanes_are_signed_as_in_numba(device: str) -> None:
    out = np.zeros((5, 32), np.int64)
    with oxide.device(device):
        kernels.signed_lanes[1, 32](out)
    assert set(out[0]) == {-(2**30)}
    assert out[1].tolist() == [0xFFFF] * 16 + [-0x10000] * 16
    assert set(out[2]) == {-1}
    assert set(out[3]) == {2**32 - 1}
    assert out[4, :2].tolist() == [2**32 - 2, 2**32 - 1]


@pytest.mark.parametrize("device", DEVICES)
def test_what_is_no_number_stays_the_extreme(device: str) -> None:
    with oxide.device(device):
        out = np.full(3, np.nan)
        kernels.extremes[1, 8](np.arange(8.0), out)
        np.testing.assert_array_equal(out, [np.nan, np.nan, 7])
        out = np.full(3, 2.5)
        kernels.extremes[1, 4](np.array([np.nan, 5, -1, 3]), out)
        np.testing.assert_array_equal(out, [5, -1, 5])


def test_functions_convert_what_they_are_given_and_give() -> None:
    out = np.zeros(4)
    kernels.by_signatures[1, 1](1.7, 2.7, out)
    x, y = np.float32(1.7), np.float32(2.7)
    assert out.tolist() == [1.7 + 2.7, 3, float(x + y), float(np.float32(0.85))]


def test_the_signature_that_loses_least_is_taken() -> None:
    out = np.zeros(1)
    kernels.of_one_signature[1, 1](1, 2.0**-25, out)
    assert out[0] == 1 + 2.0**-25
    kernels.of_one_signature[1, 1](np.float32(1), np.float32(2.0**-25), out)
    assert out[0] == 1


def test_parts_have_names() -> None:
    out = np.zeros(3)
    kernels.by_names[1, 1](namedtuple("Point", ("x", "y"))(2, 0.5), out)
    assert out.tolist() == [2.25, 1, 0]
    with pytest.raises(UnsupportedKernelError, match=r"point\.x"):
        kernels.by_names[1, 1]((2, 0.5), out)


@pytest.mark.parametrize("device", ["cpu", "interpreter"])
def test_what_is_stored_to_a_record_is_stored_there(device: str) -> None:
    dtype = np.dtype([("size", np.float64), ("count", np.int32), ("at", np.float32, (3,))])
    records, out = np.zeros(2, dtype), np.zeros(2)
    records[1]["size"] = 5
    with oxide.device(device):
        kernels.of_one_record[1, 1](records[1], out)
        kernels.of_one_record[1, 1](copy := np.rec.array(records)[0], np.zeros(2))
    assert out.tolist() == [10, 16]
    for one in (records[1], copy):
        assert (one["size"], one["count"], *one["at"]) == (2.5, 7, 0, 9, 0)
    assert records[0]["count"] == 0


def test_no_block_is_larger_than_its_bounds() -> None:
    out = np.zeros(64)
    kernels.of_few_threads[1, 32](out)
    assert out.sum() == 32
    with pytest.raises(LaunchValueError, match="launch_bounds=32"):
        kernels.of_few_threads[1, 33](out)


def test_threads_launch_a_kernel_for_the_first_time_at_once() -> None:
    def launch(_: int) -> int:
        out = np.zeros(1, np.int64)
        kernels.of_threads[1, 1](1, out)
        return int(out[0])

    with ThreadPoolExecutor(8) as pool:
        assert list(pool.map(launch, range(16))) == [2] * 16


def test_tuples_are_printed_with_their_brackets(capfd: pytest.CaptureFixture[str]) -> None:
    kernels.shown[1, 1]((1, (2, 3)))
    assert capfd.readouterr().out == "(1, (2, 3)) (0, 0, 0) (1,)\n"


def test_round_to_as_many_digits_as_a_kernel_is_given() -> None:
    x = np.random.default_rng(2).uniform(-1000, 1000, 50)
    x[:4] = np.inf, -0.125, np.nan, 1e300
    for digits in (-2, 0, 1, 3, 5, 30):
        out = np.zeros_like(x)
        kernels.rounded[1, 64](x, digits, out)
        np.testing.assert_allclose(out[3:], [round(one, digits) for one in x[3:].tolist()], 1e-15)
    assert out[:2].tolist() == [np.inf, -0.125]
    assert np.isnan(out[2])


def test_ones_are_counted() -> None:
    for dtype in (np.uint8, np.int32, np.uint64):
        x = np.array([0, 1, 5, 255, -1 if dtype is np.int32 else 128], dtype)
        out = np.zeros(5)
        kernels.counted_ones[1, 8](x, out)
        assert out.tolist() == [one.bit_count() for one in x.tolist()]


@pytest.mark.parametrize("device", DEVICES)
def test_functions_of_numpy_take_numbers(device: str) -> None:
    x = np.array([-2.5, -0.5, -0.0, 0.0, 0.5, 1.5, 3.5], np.float32)
    y = np.array([1.0, -1.0, 2.0, 0.0, 0.5, -3.0, 3.0], np.float32)
    out = np.zeros((11, 7))
    with oxide.device(device):
        kernels.of_numpy[1, 8](x, y, out)
    k = np.arange(7)
    wanted = [
        np.sign(x),
        np.clip(x, -1, 2.5),
        np.rint(x),
        np.square(x + y),
        np.where(x > y, x, -y),
        np.logical_xor(x, y),
        np.heaviside(x, 0.5),
        np.signbit(x),
        np.deg2rad(x) + x // np.float32(2),
        np.fmin(x, y) + np.arcsinh(y),
        (k | 1) << 2,
    ]
    np.testing.assert_allclose(out, wanted, rtol=1e-6)


def test_complex_numbers_have_powers_by_name() -> None:
    z = np.array([1 + 2j, -0.5j, 3 + 0j])
    w = np.array([2 - 1j, 0.5, -1j])
    out = np.zeros((3, 3), complex)
    kernels.powers[1, 4](z, w, out)
    np.testing.assert_allclose(out, [z**w, z**2, 2.5**w], rtol=1e-13)


def test_loops_go_over_arrays_and_tuples_side_by_side() -> None:
    x, y, pair = np.arange(4.0), np.arange(1.0, 9.0), (7, 9)
    out, wanted = np.zeros(4), np.zeros(4)
    kernels.side_by_side[1, 1](x, y, pair, out)
    kernels.side_by_side.py_func(x, y, pair, wanted)
    assert (out == wanted).all()


@pytest.mark.parametrize("device", DEVICES)
def test_lanes_know_themselves(device: str) -> None:
    out = np.zeros((3, 40), np.uint32)
    with oxide.device(device):
        kernels.lanes[1, 40](out)
    lane = np.arange(40) % 32
    assert (out[0] >> lane & 1 == 1).all()
    assert (out[1] == (1 << lane) - 1).all()
    # Where nothing parts the lanes they are together: all that the warp has.
    assert (out[2, :32] == 0xFFFFFFFF).all()
    assert (out[2, 32:] == 0xFF).all()


@pytest.mark.parametrize("device", DEVICES)
def test_lanes_in_a_branch_are_together(device: str) -> None:
    out = np.zeros((3, 40), np.uint32)
    with oxide.device(device), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        kernels.parted[1, 40](out)
    t = np.arange(40)
    has = np.where(t < 32, 0xFFFFFFFF, 0xFF)
    assert (out[0] == np.where(t % 2, 0xAAAAAAAA, 0x55555555) & has).all()
    # Behind the turns of a loop those are left that go round once more.
    rest = [0, 0xEEEEEEEE, 0xCCCCCCCC, 0x88888888]
    assert (out[1] == np.array(rest)[t % 4] & has).all()
    assert (out[2] == np.where(t < 10, t ^ 1, 0) + np.where(t < 20, 0xFFFFF, 0)).all()


@pytest.mark.parametrize("device", DEVICES)
def test_nobody_waits_for_a_lane_that_waits(device: str) -> None:
    lock, seen = np.zeros(1, np.int32), np.zeros(40, np.uint32)
    with oxide.device(device), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        kernels.in_a_lock[1, 40](lock, seen)
    assert (seen == 1 << np.arange(40) % 32).all()


@pytest.mark.parametrize("device", DEVICES)
def test_lanes_that_are_together_have_a_leader(device: str) -> None:
    flags = np.random.default_rng(3).integers(0, 2, (4, 32)).astype(np.int32)
    counter, out = np.zeros(1, np.int32), np.zeros((4, 32), np.int32)
    with oxide.device(device), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        kernels.collected[1, 32](flags, counter, out)
    assert counter[0] == flags.sum()
    leaders, counts = flags.argmax(axis=1), flags.sum(axis=1)
    assert (out == flags * (leaders + counts)[:, None]).all()


def test_the_device_is_asked_who_is_there() -> None:
    kernels.lanes.specialize(np.zeros((3, 40), np.uint32))
    program = next(reversed(kernels.lanes.overloads.values()))
    made = compiled.ptx(program.proved_for_all().made.checked, "sm_75")
    assert made is not None
    assert "activemask.b32" in made.text
    if toolchain.ptxas():
        assert toolchain.registers(made.text, "sm_75") is not None


@pytest.mark.parametrize(
    "guard",
    [
        "cuda.ffs(cuda.activemask()) - 1 == cuda.laneid",
        "cuda.activemask() == 0xFFFFFFFF and cuda.laneid == 0",
        "cuda.activemask() & 1 == 0",
    ],
)
def test_nothing_is_proved_of_who_else_is_there(guard: str) -> None:
    """One lane of a warp, several warps, or nobody: the hardware may say any of these."""
    text = f"""
from numba import cuda

@cuda.jit
def k(out):
    if {guard}:
        out[0] = cuda.threadIdx.x
"""
    report = check(SourceFile("k.py", text), NoModules())
    assert [k.verdict for k in report.kernels] == [Verdict.UNPROVED]
