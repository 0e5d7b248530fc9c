"""Intrinsics of `numba.cuda` through `oxide.numba`, against what Python says, on each device."""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

import oxide
from oxide_analyzer.analysis import check
from oxide_analyzer.diagnostics import Verdict
from oxide_analyzer.modules import NoModules
from oxide_analyzer.source import SourceFile
from oxide_codegen import compiled, toolchain
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
def test_lanes_know_themselves(device: str) -> None:
    out = np.zeros((2, 40), np.uint32)
    with oxide.device(device):
        kernels.lanes[1, 40](out)
    lane = np.arange(40) % 32
    assert (out[0] >> lane & 1 == 1).all()
    assert (out[1] == (1 << lane) - 1).all()


def test_the_device_is_asked_who_is_there() -> None:
    kernels.lanes.specialize(np.zeros((2, 40), np.uint32))
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
