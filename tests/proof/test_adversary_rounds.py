"""Kernels whose rounds, values or promises belong to another moment than a rash proof takes.

Of each pair the right one is proved and runs clean, the wrong one, with one text replaced, is
not proved and fails on some launch.
"""

from __future__ import annotations

from dataclasses import replace
from random import Random
from typing import TYPE_CHECKING

import pytest

from oxide_analyzer.analysis import check
from oxide_analyzer.diagnostics import Verdict
from oxide_analyzer.interpreter import run
from oxide_analyzer.ir.kernel import Requirement
from oxide_analyzer.modules import NoModules
from oxide_analyzer.source import SourceFile
from programs.launches import launches
from programs.soundness import schedule_of

if TYPE_CHECKING:
    from oxide_analyzer.report import KernelReport

PROLOGUE = """
from oxide import (
    AtomicSlice, DisjointSlice, LocalArray, SharedArray, Slice, atomic, block, block_dim, device,
    fence, grid_dim, grid_sync, i32, i64, kernel, sync_threads, sync_warp, thread, u32, unsafe,
    warp, within,
)
"""

STREAM = """
@kernel(block=1, domain=1, requires=lambda flag, data, n: within(flag, 0, 1)
        and len(flag) > n and len(data) > n and n >= 0)
def k(data: DisjointSlice[i32], flag: AtomicSlice[u32], n: i32):
    if block.x == 0:
        for r in range(n + 1):
            data[r] = i32(r)
            atomic.store(flag, r, 1, order="release")
    else:
        s = 0
        for r in range(n):
            while atomic.load(flag, r, order="acquire") == 0:
                pass
            s += data[r]
            sync_threads()
"""

PAIRS = {
    # The wait of the next round, behind the barrier, is none for this one.
    "wait of the next round": (
        STREAM,
        "data[r]\n            sync",
        "data[r + 1]\n            sync",
    ),
}


def reported(text: str) -> KernelReport:
    checked = check(SourceFile("k.py", PROLOGUE + text), NoModules())
    (report,) = checked.kernels
    assert report.kernel is not None, checked.diagnostics
    return report


def fails(report: KernelReport, tries: int, runs: int) -> bool:
    """Whether one of some launches that contract and facts admit fails, under some schedule."""
    assert report.kernel is not None
    facts = tuple(Requirement(f.condition, f.text, f.span) for f in report.facts if not f.declared)
    contract = replace(report.kernel.contract, requires=(*report.kernel.contract.requires, *facts))
    kernel = replace(report.kernel, contract=contract)
    for number, launch in enumerate(launches(Random(1), kernel, (), tries)):
        if number >= runs:
            return False
        schedule = schedule_of(number)
        outcome = run(kernel, launch, schedule=schedule, budget=100_000, failures_limit=1)
        if outcome.failures:
            return True
    return False


@pytest.mark.parametrize("name", PAIRS)
def test_the_right_one_is_proved(name: str) -> None:
    report = reported(PAIRS[name][0])
    assert report.verdict is Verdict.PROVED, report.diagnostics
    assert not fails(report, 300, 20)


@pytest.mark.parametrize("name", PAIRS)
def test_the_wrong_one_is_not_and_can_fail(name: str) -> None:
    right, text, instead = PAIRS[name]
    assert right.count(text) == 1
    report = reported(right.replace(text, instead))
    assert report.verdict is not Verdict.PROVED
    assert fails(report, 3000, 300)
