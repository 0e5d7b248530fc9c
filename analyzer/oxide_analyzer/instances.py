"""One source kernel that stands for several: what is said about it as a whole.

A kernel with type variables is read and judged once for each choice of them. What is found in
each of these is said once, as it is; what is found in some says in which:

    thread 3 of block 0 reads `a[4]`, but `a` has 4 elements (with T = f64)
"""

from __future__ import annotations

from dataclasses import replace
from itertools import groupby
from typing import TYPE_CHECKING

from oxide_analyzer.diagnostics import ObligationCounts, Verdict

if TYPE_CHECKING:
    from collections.abc import Sequence

    from oxide_analyzer.diagnostics import Diagnostic
    from oxide_analyzer.ir.kernel import Kernel
    from oxide_analyzer.report import KernelReport

_WEAKEST = (Verdict.VIOLATED, Verdict.UNPROVED, Verdict.PROVED)


def by_source(judged: Sequence[tuple[Kernel, KernelReport]]) -> list[KernelReport]:
    """One report for each kernel of the source; those of its instances stand side by side."""
    groups = groupby(judged, lambda one: one[0].name_span)
    return [combined(list(group)) for _, group in groups]


def combined(judged: Sequence[tuple[Kernel, KernelReport]]) -> KernelReport:
    """The report on a kernel of several instances: it is as good as the worst of them."""
    reports = [report for _, report in judged]
    first = reports[0]
    if len(reports) == 1:
        return first
    proved: dict[str, int] = {}
    for report in reports:
        for tier, count in report.obligations.proved.items():
            proved[tier] = proved.get(tier, 0) + count
    return replace(
        first,
        verdict=min((report.verdict for report in reports), key=_WEAKEST.index),
        facts=tuple({fact.text: fact for report in reports for fact in report.facts}.values()),
        obligations=ObligationCounts(
            proved,
            sum(report.obligations.violated for report in reports),
            sum(report.obligations.unproved for report in reports),
            sum(report.obligations.lifted for report in reports),
        ),
        diagnostics=tuple(
            merged([(report.diagnostics, kernel.instance) for kernel, report in judged])
        ),
        checked=first.checked if all(report.checked is not None for report in reports) else None,
        promised=_promised(reports),
        milliseconds=sum(report.milliseconds for report in reports),
        stopped=any(report.stopped for report in reports),
    )


def _promised(reports: Sequence[KernelReport]) -> str:
    """The name of the proofs of all instances, where some are not at hand and none is missing."""
    if not all(report.compiles for report in reports):
        return ""
    return " ".join(report.promised for report in reports if report.promised)


def merged(found: Sequence[tuple[Sequence[Diagnostic], str]]) -> list[Diagnostic]:
    """The findings of all instances of a kernel, each with the name of its instance."""
    if len(found) == 1:
        return list(found[0][0])
    places: dict[tuple[object, str], list[tuple[Diagnostic, str]]] = {}
    for diagnostics, instance in found:
        for diagnostic in diagnostics:
            key = diagnostic.span, diagnostic.code
            places.setdefault(key, []).append((diagnostic, instance))
    told: list[Diagnostic] = []
    for several in places.values():
        first, instance = several[0]
        if len({name for _, name in several}) < len(found):
            first = replace(first, message=f"{first.message} (with {instance})")
        told.append(first)
    return told
