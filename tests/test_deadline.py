"""Stopping early: in time, everywhere, and without a verdict."""

from __future__ import annotations

import importlib
from time import perf_counter
from typing import TYPE_CHECKING

import pytest

from oxide_analyzer import deadline
from oxide_analyzer.analysis import check, check_kernel
from oxide_analyzer.diagnostics import Verdict
from oxide_analyzer.frontends.oxide import read
from oxide_analyzer.modules import NoModules
from oxide_analyzer.report import Report
from oxide_analyzer.source import SourceFile

if TYPE_CHECKING:
    from oxide_analyzer.ir.kernel import Kernel

_RACY = """
from oxide import DisjointSlice, f32, kernel, sync_threads, thread

@kernel(block=1024)
def racy(a: DisjointSlice[f32], n: int):
    t = thread.x
    for i in range(n):
        for j in range(i, n):
            if t + j < len(a):
                a[t + j] = a[t] + 1.0
        sync_threads()
"""
_VIOLATED = """
from oxide import DisjointSlice, block, f32, kernel, thread

@kernel
def violated(a: DisjointSlice[f32]):
    a[thread.x] = f32(block.x)
"""


def _kernel(text: str):
    return read(SourceFile("k.py", text), NoModules()).kernels[0]


def test_a_kernel_that_takes_longer_is_stopped() -> None:
    kernel = _kernel(_RACY)
    with deadline.within(0.05):
        report = check_kernel(kernel)
    assert report.verdict is Verdict.UNPROVED
    assert report.checked is None
    assert "stopped after 0.05 s" in {d.reason for d in report.diagnostics}


def _unrolled(size: int) -> str:
    """A kernel that takes seconds: its accesses are of too many forms to be asked together."""
    lines = [
        *(f"    tile[t + {k} * 64] = a[i + {k}] if i + {k} < len(a) else 0.0" for k in range(size)),
        *(f"    total += tile[(t + {k * k} * 64) % {64 * size}]" for k in range(size)),
    ]
    return "\n".join(
        [
            "from oxide import DisjointSlice, SharedArray, Slice, f32, kernel, thread",
            "",
            "@kernel(block=64)",
            "def unrolled(a: Slice[f32], out: DisjointSlice[f32]):",
            f"    tile = SharedArray(f32, {64 * size})",
            "    t, i = thread.x, thread.index_1d()",
            "    total = 0.0",
            *lines,
            "    if i < len(out):",
            "        out[i] = total",
        ]
    )


def _overrun(kernel: Kernel, seconds: float) -> float:
    """By how much of the time that it was given a kernel takes longer."""
    start = perf_counter()
    with deadline.within(seconds):
        report = check_kernel(kernel)
    taken = perf_counter() - start
    assert any(deadline.is_stop(d.reason) for d in report.diagnostics)
    return taken / seconds - 1


@pytest.mark.parametrize("seconds", [0.1, 0.3])
def test_a_time_is_kept_to_a_tenth(seconds: float) -> None:
    importlib.import_module("oxide_analyzer.proof.smt")
    kernel = _kernel(_unrolled(80))
    # Another process may take the processor for a while, though not each time.
    assert any(_overrun(kernel, seconds) < 0.1 for _ in range(5))


def test_a_kernel_that_is_quicker_is_judged_as_ever() -> None:
    def judged(seconds: float | None) -> Report:
        with deadline.within(seconds):
            return check(SourceFile("k.py", _VIOLATED), NoModules())

    assert judged(60).diagnostics == judged(None).diagnostics
    assert judged(60).kernels[0].verdict is Verdict.VIOLATED


def test_who_waits_may_call_it_off_inside_of_a_kernel() -> None:
    class CalledOff(Exception):
        pass

    looks = 0

    def pause() -> None:
        nonlocal looks
        looks += 1
        if looks > 2:
            raise CalledOff

    with pytest.raises(CalledOff), deadline.within(None, pause):
        check_kernel(_kernel(_RACY))


def test_an_inner_deadline_does_not_outlive_the_outer_one() -> None:
    with deadline.within(0.0), deadline.within(60), pytest.raises(deadline.Stopped, match="0 s"):
        deadline.check()
    deadline.check()
    assert deadline.remaining() is None
