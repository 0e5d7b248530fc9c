"""What a whole run found: which findings are shown, which are hidden, and whether it failed."""

from __future__ import annotations

import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from oxide.cli.failure import WrongUse
from oxide_analyzer.diagnostics import Severity, Verdict

if TYPE_CHECKING:
    from argparse import Namespace
    from collections import Counter
    from collections.abc import Iterable

    from oxide.cli.checking import Answer, Task
    from oxide_analyzer.baseline import Key
    from oxide_analyzer.diagnostics import Diagnostic
    from oxide_analyzer.notebooks.joined import Notebook
    from oxide_analyzer.report import Report
    from oxide_analyzer.source import SourceFile


@dataclass
class Outcome:
    """Reports of all files, and the findings to show, sorted by place.

    `checked` are also the files without kernels. `known` findings are in the baseline, `stale`
    ones in it no more. `notebooks` are those among the files, by path: places in them are still
    places in their joined text. `fixable` are shown findings with a fix, `fixable_unsafely` those
    of which no fix is safe.
    """

    reports: list[Report] = field(default_factory=list["Report"])
    shown: list[Diagnostic] = field(default_factory=list["Diagnostic"])
    sources: dict[str, SourceFile] = field(default_factory=dict[str, "SourceFile"])
    notebooks: dict[str, Notebook] = field(default_factory=dict[str, "Notebook"])
    checked: set[str] = field(default_factory=set[str])
    suppressed: int = 0
    known: int = 0
    stale: int = 0
    failed: bool = False
    crashed: bool = False

    @property
    def fixable(self) -> int:
        """How many findings that are shown have a safe fix."""
        return sum(any(f.safe for f in d.fixes) for d in self.shown if d.suppressed is None)

    @property
    def fixable_unsafely(self) -> int:
        """How many have a fix, but none that is safe."""
        return sum(bool(d.fixes) for d in self.shown if d.suppressed is None) - self.fixable


def collect(answered: Iterable[tuple[Task, Answer | None]], options: Namespace) -> Outcome:
    """The outcome of a run; tracebacks of bugs go to standard error, each once."""
    outcome = Outcome()
    hidden: list[Diagnostic] = []
    strict: set[str] = set()
    crashes: set[str] = set()
    asked: list[Task] = []
    reports: list[Report] = []
    for task, found in answered:
        outcome.checked.add(task.entry.shown)
        if found is None:
            continue
        asked.append(task)
        reports.append(found.report)
        if found.crash is not None and found.crash.place not in crashes:
            # One bug often meets many files; its traceback is worth reading once.
            crashes.add(found.crash.place)
            sys.stderr.write(found.crash.traceback)
        if found.source is not None:
            outcome.sources[found.report.path] = found.source
        if found.notebook is not None:
            outcome.notebooks[found.report.path] = found.notebook.notebook
    outcome.reports = _linked(reports)
    for task, report in zip(asked, outcome.reports, strict=True):
        is_strict = options.strict or task.entry.configuration.strict
        if is_strict:
            strict.add(report.path)
            outcome.failed |= _silent(report)
        for diagnostic in report.diagnostics:
            if not task.chosen.admits(diagnostic):
                continue
            if diagnostic.suppressed is not None:
                hidden.append(diagnostic)
            else:
                outcome.shown.append(diagnostic)
                strict |= {diagnostic.span.path} if is_strict else set()
    outcome.crashed = bool(crashes)
    _read_others(outcome)
    if options.baseline is not None and not options.write_baseline:
        _compare(outcome, Path(options.baseline))
    for diagnostic in outcome.shown:
        outcome.failed |= diagnostic.severity is Severity.ERROR
        unproved = diagnostic.verdict is Verdict.UNPROVED
        outcome.failed |= unproved and diagnostic.span.path in strict
    outcome.suppressed = len(hidden)
    if options.show_suppressed:
        outcome.shown += hidden
    outcome.shown.sort(key=lambda diagnostic: (diagnostic.span, diagnostic.code))
    return outcome


def _linked(reports: list[Report]) -> list[Report]:
    """The reports, where kernels of one file that others launch are judged once."""
    if sum(bool(report.kernels) for report in reports) <= 1:
        return reports
    from oxide_analyzer.linked import linked

    return linked(reports)


def _silent(report: Report) -> bool:
    """Whether a kernel is unproved and no finding says so."""
    spoken = {diagnostic.kernel for diagnostic in report.diagnostics}
    return any(
        kernel.verdict is Verdict.UNPROVED and kernel.name not in spoken
        for kernel in report.kernels
    )


def _read_others(outcome: Outcome) -> None:
    """The texts of files that were not checked themselves, and that findings lead to."""
    from oxide_analyzer import project

    wanted = {
        span.path
        for diagnostic in outcome.shown
        for span in (diagnostic.span, *(related.span for related in diagnostic.related))
    }
    for path in sorted(wanted - outcome.sources.keys()):
        try:
            # A helper's file need not have any of the words of a kernel.
            read = project.text(project.content(Path(path)), path)
        except (OSError, ValueError):
            # What cannot be read is named in the report, and not shown.
            continue
        if not isinstance(read, project.Undecodable):
            outcome.sources[path] = read


def _compare(outcome: Outcome, file: Path) -> None:
    from oxide_analyzer import baseline

    compared = baseline.compare(
        known_findings(file),
        outcome.shown,
        outcome.sources,
        file.parent,
        outcome.checked,
    )
    outcome.shown = list(compared.new)
    outcome.known, outcome.stale = compared.known, compared.stale


def known_findings(file: Path) -> Counter[Key]:
    """The findings of a baseline; raises `WrongUse`."""
    from oxide_analyzer import baseline

    try:
        return baseline.read(file.read_text(encoding="utf-8"))
    except OSError as error:
        hint = "; --write-baseline makes it" if isinstance(error, FileNotFoundError) else ""
        raise WrongUse(f"cannot read the baseline `{file}`: {error.strerror}{hint}") from error
    except (baseline.BaselineError, UnicodeDecodeError) as error:
        raise WrongUse(f"cannot read the baseline `{file}`: {error}") from error
