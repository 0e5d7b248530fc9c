"""Pairs of kernels for adversaries of the provers: a right one, and one with a text replaced."""

from __future__ import annotations

from dataclasses import replace
from random import Random
from typing import TYPE_CHECKING, TypeAlias

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

# The right kernel, a text of it, and what makes it wrong in its place.
Pair: TypeAlias = tuple[str, str, str]

PROLOGUE = """
from oxide import (
    AtomicSlice, DisjointSlice, DisjointSlice2D, LocalArray, SharedArray, Slice, Slice2D, atomic,
    bf16, block, block_dim, device, dynamic_shared, f16, f32, f64, fence, grid_dim, grid_sync, i8,
    i16, i32, i64, injective, kernel, struct, sync_threads, sync_warp, thread, u8, u16, u32, u64,
    unsafe, warp, within,
)
"""


def right_is_proved(pair: Pair) -> None:
    """The right one is proved, and runs clean on some launches."""
    report = reported(pair[0])
    assert report.verdict is Verdict.PROVED, report.diagnostics
    assert not fails(report, 300, 20)


def wrong_is_not(pair: Pair) -> None:
    """The wrong one is not proved, and fails on a launch."""
    right, text, instead = pair
    assert right.count(text) == 1
    report = reported(right.replace(text, instead))
    assert report.verdict is not Verdict.PROVED
    assert fails(report, 3000, 300)


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
