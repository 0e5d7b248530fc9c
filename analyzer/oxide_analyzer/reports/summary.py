"""The closing lines of the formats for people, and the counts in them."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from oxide_analyzer.diagnostics import Severity, Verdict
from oxide_analyzer.record import record
from oxide_analyzer.reports.frame import printable

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from oxide_analyzer.diagnostics import Diagnostic
    from oxide_analyzer.report import KernelReport, Report


@record
class KernelCounts:
    """How many kernels ended how; `assumed` are proved ones whose proof assumes something."""

    proved: int
    violated: int
    unproved: int
    assumed: int

    @property
    def total(self) -> int:
        """All kernels."""
        return self.proved + self.violated + self.unproved + self.assumed


def count(kernels: Iterable[KernelReport]) -> KernelCounts:
    """Each kernel once."""
    found = Counter(
        "assumed" if kernel.verdict is Verdict.PROVED and kernel.assumed else kernel.verdict.value
        for kernel in kernels
    )
    return KernelCounts(found["proved"], found["violated"], found["unproved"], found["assumed"])


def closing(reports: Sequence[Report], shown: Sequence[Diagnostic], suppressed: int) -> str:
    """The last line: kernels by verdict, then the findings shown, and how many are hidden.

    Those that were stopped are among the unproved ones.

    2 kernels: 1 proved, 1 violated, 0 unproved, 0 assumed. 1 error, 1 suppressed.
    """
    kernels = [kernel for report in reports for kernel in report.kernels]
    counts = count(kernels)
    stopped = sum(kernel.stopped for kernel in kernels)
    severities = Counter(diagnostic.severity for diagnostic in shown)
    findings = [
        _plural(severities[severity], noun)
        for severity, noun in (
            (Severity.ERROR, "error"),
            (Severity.WARNING, "warning"),
            (Severity.INFORMATION, "note"),
            (Severity.HINT, "hint"),
        )
        if severities[severity]
    ]
    if suppressed:
        findings.append(f"{suppressed} suppressed")
    return (
        f"{_plural(counts.total, 'kernel')}: {counts.proved} proved, {counts.violated} violated, "
        f"{counts.unproved} unproved{f' ({stopped} stopped)' if stopped else ''}, "
        f"{counts.assumed} assumed. "
        f"{', '.join(findings) or 'No findings'}."
    )


def statistics(diagnostics: Iterable[Diagnostic]) -> str:
    """How often each rule spoke, the most frequent first; one line a rule, each with its end."""
    found = Counter((diagnostic.code, diagnostic.name) for diagnostic in diagnostics)
    rows = sorted(found.items(), key=lambda row: (-row[1], row[0]))
    width = max((len(str(number)) for _, number in rows), default=0)
    return "".join(f"{number:>{width}}  {code} {name}\n" for (code, name), number in rows)


def unsafe_blocks(reports: Iterable[Report]) -> str:
    """Every `unsafe` block with its reason, one line each, with how many there are at the end.

    k.py:15: in `block_sum`: one block is launched
    1 unsafe block in 1 of 4 kernels.
    """
    kernels = [(report.path, kernel) for report in reports for kernel in report.kernels]
    with_blocks = [(path, kernel) for path, kernel in kernels if kernel.unsafe]
    rows = sorted(
        (path, place.line, kernel.name, place.text)
        for path, kernel in with_blocks
        for place in kernel.unsafe
    )
    lines = [printable(f"{path}:{line}: in `{name}`: {text}") for path, line, name, text in rows]
    lines.append(
        f"{_plural(len(rows), 'unsafe block')} in {len(with_blocks)} of"
        f" {_plural(len(kernels), 'kernel')}."
    )
    return "".join(f"{line}\n" for line in lines)


def _plural(number: int, noun: str) -> str:
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"
