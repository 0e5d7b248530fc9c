"""Fixes tried: applied to the source, read again, judged again, and run beside the original.

A fix is right if its finding is gone, if nothing new is found, and if the kernel still computes
what it computed wherever that was defined.

* Gone is a finding of which there is none of the same rule at the same statement about the same
  other statements.
* New is an error of a rule that the kernel did not have, or one more of a rule that it had.
  What was open in a violated kernel is not said there, so warnings about what is unproved count
  only if the kernel had nothing open. Information and hints are no defects.
* What was defined is what launches give in which the original runs without a failure: those that
  the file writes down, and each of them with a single thread.
"""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass, replace
from math import prod
from typing import TYPE_CHECKING

from kernel_launches import WrittenLaunch, launches
from oxide_analyzer import edits
from oxide_analyzer.analysis import check
from oxide_analyzer.diagnostics import Diagnostic, Fix, Severity, Verdict
from oxide_analyzer.interpreter import run
from oxide_analyzer.ir.specialise import specialise
from oxide_analyzer.source import SourceFile

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from oxide_analyzer.interpreter import Outcome
    from oxide_analyzer.ir.kernel import Kernel
    from oxide_analyzer.launch import Contents
    from oxide_analyzer.modules import Modules
    from oxide_analyzer.report import Report

_NAMED = re.compile(r"`(\w+)")
_AXIS = re.compile(r"dimension \d")
# Launches are played in plain Python, so they are small.
_MOST_THREADS = 4096


@dataclass(frozen=True)
class Trial:
    """A fix that was applied to a source: what is wrong with that, nothing if it is right."""

    source: SourceFile
    diagnostic: Diagnostic
    fix: Fix
    problems: tuple[str, ...]

    def __str__(self) -> str:
        place = f"{self.source.path}:{self.diagnostic.span.line}"
        what = f"{self.diagnostic.code} {self.fix.title}"
        return f"{place}: {what}: {'; '.join(self.problems) or 'right'}"


def trials(source: SourceFile, modules: Modules, *, first_of_kind: bool = False) -> Iterator[Trial]:
    """Every fix that a file is offered, tried; of fixes alike but for places one, if asked."""
    report = check(source, modules)
    seen: set[object] = set()
    for diagnostic in report.diagnostics:
        if diagnostic.suppressed is not None:
            continue
        for fix in diagnostic.fixes:
            kind = diagnostic.code, re.sub(r"`[^`]*`|\d+", "", fix.title)
            if first_of_kind and kind in seen:
                continue
            seen.add(kind)
            problems = tuple(_problems(source, modules, report, diagnostic, fix))
            yield Trial(source, diagnostic, fix, problems)


def _problems(
    source: SourceFile, modules: Modules, report: Report, diagnostic: Diagnostic, fix: Fix
) -> Iterator[str]:
    fixed = SourceFile(source.path, edits.apply(source, fix.edits))
    if not edits.parses(fixed.text):
        yield "it does not parse"
        return
    after = check(fixed, modules)
    mark = _mark(source, diagnostic)
    if mark in {_mark(fixed, d) for d in after.diagnostics}:
        yield "the finding is still there"
    yield from _new(report, after)
    yield from _computed(source, report, after)


def _mark(source: SourceFile, diagnostic: Diagnostic) -> tuple[object, ...]:
    """What tells a finding from others, wherever it stands after an edit."""
    others = sorted(source.line(r.span.line).strip() for r in diagnostic.related)
    text = source.line(diagnostic.span.line)
    axis = _AXIS.search(diagnostic.message)
    named = _NAMED.search(diagnostic.message)
    return (
        diagnostic.code,
        diagnostic.kernel,
        text.strip(),
        diagnostic.span.column - (len(text) - len(text.lstrip())),
        tuple(others),
        axis[0] if axis else None,
        named[1] if named else None,
    )


def _new(before: Report, after: Report) -> Iterator[str]:
    opened = {k.name for k in before.kernels if k.obligations.unproved}
    known = Counter((d.code, d.kernel) for d in before.diagnostics)
    found = Counter((d.code, d.kernel) for d in after.diagnostics)
    for diagnostic in after.diagnostics:
        key = diagnostic.code, diagnostic.kernel
        if found[key] <= known[key] or diagnostic.severity in (
            Severity.INFORMATION,
            Severity.HINT,
        ):
            continue
        if diagnostic.verdict is Verdict.UNPROVED and diagnostic.kernel in opened:
            continue
        yield f"new on line {diagnostic.span.line}: {diagnostic.code} {diagnostic.message}"


# ---------------------------------------------------------------- what is computed


def _computed(source: SourceFile, before: Report, after: Report) -> Iterator[str]:
    """Launches in which the original is right and the fixed kernel gives something else."""
    kernels = {k.name: k.kernel for k in after.kernels if k.kernel is not None}
    for report in before.kernels:
        old, new = report.kernel, kernels.get(report.name)
        if old is None or new is None or old.callables or old.choices:
            continue
        for launch in _launches(source, old):
            one = _run(old, launch)
            if one is None or not one.succeeded:
                continue
            two = _run(new, launch)
            if two is None or not two.succeeded:
                yield f"`{report.name}` fails in a launch in which it did not: {launch.arguments}"
            elif not _alike(one.arrays, two.arrays):
                yield f"`{report.name}` gives something else in {launch.arguments}"


def _launches(source: SourceFile, kernel: Kernel) -> Iterator[WrittenLaunch]:
    """The launches that a file writes down for a kernel, and each with one thread in one block."""
    names = {a.name for a in kernel.array_parameters()}
    for written in launches(source.text):
        if names <= set(written.arguments):
            yield written
            yield replace(written, arguments={**written.arguments, "grid": 1, "block": 1})


def _run(kernel: Kernel, written: WrittenLaunch) -> Outcome | None:
    """What a launch comes to; None if it is none of this kernel, or too large."""
    try:
        special = specialise(kernel, written.symbols(kernel))
        launch = written.of(special)
    except KeyError:
        return None
    if prod(launch.grid) * prod(launch.block) > _MOST_THREADS:
        return None
    return run(special, launch)


def _alike(one: Mapping[str, Contents], two: Mapping[str, Contents]) -> bool:
    # As text, for a NaN does not equal itself.
    return {n: (c.shape, str(c.values)) for n, c in one.items()} == {
        n: (c.shape, str(c.values)) for n, c in two.items()
    }
