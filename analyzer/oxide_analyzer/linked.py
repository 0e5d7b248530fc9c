"""Kernels that one file has and others launch: the reports of a whole run, linked.

A file is checked by itself, with the launches that it shows, so that its verdicts can be kept for
as long as it, and what it imports, stay as they are. A script that imports a kernel and launches it
has a report on that kernel, beside the one that the kernel's own file has of it:

    kernels.py    scale: unproved, for every launch           none of its own, so it is left out
    train.py      scale: proved, launched at train.py:31      kernels.py  scale: proved, launched at
    tests.py      scale: violated, launched at tests.py:8     violated    tests.py:8, train.py:31

What is left is one report, in the file of the kernel where that was checked as well: the worst of
those that know launches, with its findings, as it is for several launches in one file. A kernel
that nobody launches keeps the report of its own file.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias

from oxide_analyzer.ir.kernel import OWN_DIALECT
from oxide_analyzer.situations import WORST

if TYPE_CHECKING:
    from collections.abc import Sequence

    from oxide_analyzer.diagnostics import Diagnostic
    from oxide_analyzer.report import KernelReport, Report

_Key: TypeAlias = tuple[str, int, str]
_UNUSED = "OX701"


def linked(reports: Sequence[Report]) -> list[Report]:
    """The reports, in their order, in which each kernel of another dialect stands once."""
    of: dict[_Key, list[tuple[int, KernelReport]]] = {}
    for place, report in enumerate(reports):
        for kernel in report.kernels:
            if kernel.dialect != OWN_DIALECT:
                of.setdefault(_key(kernel), []).append((place, kernel))
    homes = {_file(report.path): place for place, report in enumerate(reports)}
    found = list(reports)
    for key, several in of.items():
        if len(several) > 1:
            _link(found, several, homes.get(key[0]))
    return found


def _key(kernel: KernelReport) -> _Key:
    return _file(kernel.span.path), kernel.span.line, kernel.qualname


def _file(path: str) -> str:
    """One text for a file, however it is reached."""
    return str(Path(path).resolve())


def _link(reports: list[Report], several: list[tuple[int, KernelReport]], home: int | None) -> None:
    """Put the worst report on a kernel in the place of all."""
    launched = [one for one in several if one[1].launches]
    if not launched:
        return
    source, worst = min(launched, key=lambda one: WORST[one[1].verdict])
    own = next((kernel for place, kernel in several if place == home), None)
    target = source if home is None or own is None else home
    said = _about(reports[source], worst)
    kept = [d for d in reports[source].diagnostics if id(d) in said]
    for place, kernel in several:
        report = reports[place]
        gone = _about(report, kernel)
        if place == home:
            # What hides a finding of the launch that is judged is used, whatever it was here.
            gone |= {id(d) for d in report.diagnostics if d.code == _UNUSED and _is_in(d, kernel)}
        reports[place] = replace(
            report,
            kernels=tuple(k for k in report.kernels if k is not kernel),
            diagnostics=tuple(d for d in report.diagnostics if id(d) not in gone),
        )
    whole = replace(
        worst,
        launches=tuple(sorted({name for _, kernel in launched for name in kernel.launches})),
        milliseconds=sum(kernel.milliseconds for _, kernel in several),
    )
    report = reports[target]
    reports[target] = replace(
        report,
        kernels=tuple(sorted((*report.kernels, whole), key=lambda kernel: kernel.span)),
        diagnostics=tuple(sorted((*report.diagnostics, *kept), key=lambda d: (d.span, d.code))),
    )


def _about(report: Report, kernel: KernelReport) -> set[int]:
    """The findings of a report that are about a kernel."""
    others = any(k.name == kernel.name and k is not kernel for k in report.kernels)
    return {
        id(d)
        for d in report.diagnostics
        if d.kernel == kernel.name and (not others or _is_in(d, kernel))
    }


def _is_in(diagnostic: Diagnostic, kernel: KernelReport) -> bool:
    """Whether a finding stands in the text of a kernel."""
    place, span = diagnostic.span, kernel.span
    return place.path == span.path and span.line <= place.line <= span.end_line
