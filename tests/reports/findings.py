"""A finding with everything in it, for the tests of the reports."""

from __future__ import annotations

from oxide_analyzer.diagnostics import (
    AccessKind,
    Diagnostic,
    Edit,
    Fix,
    ObligationCounts,
    Place,
    Related,
    Severity,
    Verdict,
    Witness,
    WitnessThread,
)
from oxide_analyzer.report import KernelReport, Report
from oxide_analyzer.source import SourceFile, Span

SOURCE = SourceFile(
    "k.py",
    """\
@kernel(block=256)
def block_sum(a: Slice[f32]):
    tile = SharedArray(f32, 256)
    stride = 128
    while stride > 0:
        if t < stride:
            tile[t] += tile[t + stride]
        stride //= 2
""",
)

WITNESS = Witness(
    array="tile",
    shape=(256,),
    index=(35,),
    block_dim=(256, 1, 1),
    grid_dim=(2, 1, 1),
    parameters={"len(a)": 7},
    values={"stride": 32},
    threads=(
        WitnessThread((0, 0, 0), (3, 0, 0), 7, AccessKind.READ),
        WitnessThread((0, 0, 0), (35, 0, 0), 7, AccessKind.WRITE),
    ),
    replayed=True,
)

RACE = Diagnostic(
    span=Span("k.py", 7, 13, 7, 20),
    code="OX104",
    name="shared-memory-race",
    severity=Severity.ERROR,
    message="`tile[t]` is written while another thread reads it",
    kernel="block_sum",
    verdict=Verdict.VIOLATED,
    related=(Related(Span("k.py", 7, 24, 7, 40), "read here"),),
    fixes=(
        Fix(
            "insert `sync_threads()` behind line 7",
            (Edit(Span("k.py", 8, 1, 8, 1), "        sync_threads()\n"),),
            safe=True,
        ),
    ),
    witness=WITNESS,
)

UNPROVED = Diagnostic(
    span=Span("k.py", 3, 5, 3, 9),
    code="OX901",
    name="unproved-race",
    severity=Severity.WARNING,
    message="`tile` may be touched by two threads",
    kernel="block_sum",
    verdict=Verdict.UNPROVED,
    reason="the index is loaded from memory",
)


def kernel(verdict: Verdict, assumed: tuple[Place, ...] = ()) -> KernelReport:
    return KernelReport(
        name="block_sum",
        qualname="block_sum",
        span=Span("k.py", 2, 1, 8, 21),
        name_span=Span("k.py", 2, 5, 2, 14),
        dialect="oxide",
        verdict=verdict,
        kernel=None,
        facts=(),
        obligations=ObligationCounts({"affine": 9, "z3": 1}, violated=1),
        diagnostics=(),
        checked=None,
        milliseconds=3.14159,
        assumed=assumed,
    )


REPORT = Report("k.py", (kernel(Verdict.VIOLATED),), (UNPROVED, RACE))
