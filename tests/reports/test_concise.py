from __future__ import annotations

from oxide_analyzer.diagnostics import Place, Verdict
from oxide_analyzer.report import Report
from oxide_analyzer.reports import concise, summary
from reports.findings import RACE, REPORT, UNPROVED, kernel


def test_one_line_a_finding() -> None:
    assert concise.render([UNPROVED, RACE.suppress("one block")]) == (
        "k.py:3:5: OX901 [unproved-race] `tile` may be touched by two threads\n"
        "k.py:7:13: OX104 [shared-memory-race] `tile[t]` is written while another thread reads it"
        " (suppressed: one block)\n"
    )


def test_closing_line_counts_each_kernel_once() -> None:
    assumed = kernel(Verdict.PROVED, assumed=(Place(1, 1, "it returns"),))
    others = Report("a.py", (kernel(Verdict.PROVED), kernel(Verdict.UNPROVED), assumed), ())
    assert summary.closing([REPORT, others], [RACE, UNPROVED], 2) == (
        "4 kernels: 1 proved, 1 violated, 1 unproved, 1 assumed. 1 error, 1 warning, 2 suppressed."
    )
    assert summary.closing([], [], 0) == (
        "0 kernels: 0 proved, 0 violated, 0 unproved, 0 assumed. No findings."
    )


def test_statistics_put_the_most_frequent_first() -> None:
    assert summary.statistics([RACE, UNPROVED, RACE]) == (
        "2  OX104 shared-memory-race\n1  OX901 unproved-race\n"
    )
