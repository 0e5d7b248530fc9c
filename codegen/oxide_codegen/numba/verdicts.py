"""What is said of Numba kernels that are not proved: they run, and one warning carries the finding.

    UnprovedKernelWarning: histogram: two threads write `bins[0]` … [OX102 at k.py:12]
    UnprovedKernelWarning: add: the launch does not fulfil `len(out) >= …`, which its proof needs

Once for each kernel and finding. `cuda.jit(unproved="refuse")`, or OXIDE_NUMBA=refuse, makes it a
`CheckError` before anything runs; "allow" says nothing.
"""

from __future__ import annotations

import os
import sys
import warnings
from enum import StrEnum
from typing import TYPE_CHECKING

from oxide_analyzer.diagnostics import Severity, Verdict
from oxide_codegen.errors import CheckError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from oxide_analyzer.diagnostics import Diagnostic
    from oxide_analyzer.ir.kernel import Assumption
    from oxide_analyzer.report import KernelReport
    from oxide_analyzer.source import SourceFile

VARIABLE = "OXIDE_NUMBA"
_SHOWN = 5
_OWN = ("oxide.", "oxide_codegen.")


class UnprovedKernelWarning(UserWarning):
    """A kernel that runs though it is not proved safe for a launch; `report` says what is known."""

    def __init__(self, kernel: str, text: str, report: KernelReport) -> None:
        super().__init__(f"{kernel}: {text}")
        self.kernel = kernel
        self.report = report

    @property
    def diagnostics(self) -> tuple[Diagnostic, ...]:
        """What is found."""
        return self.report.diagnostics


class UnsupportedKernelError(CheckError):
    """A Numba kernel that Oxide cannot compile; `places` says what it does not know, and where."""

    def __init__(self, kernel: str, places: Sequence[Assumption]) -> None:
        shown = [f"  {p.span.path}:{p.span.line}: {p.what}" for p in places[:_SHOWN]]
        if len(places) > _SHOWN:
            shown.append(f"  and {len(places) - _SHOWN} more")
        super().__init__(kernel, "it cannot be compiled:\n" + "\n".join(shown))
        self.places = tuple(places)


class Unproved(StrEnum):
    """What is done about a kernel that is not proved."""

    WARN = "warn"
    REFUSE = "refuse"
    ALLOW = "allow"


def policy(given: str | None) -> Unproved:
    """What the decorator says, else the environment, else a warning."""
    named = os.environ.get(VARIABLE) if given is None else given
    if not named:
        return Unproved.WARN
    try:
        return Unproved(named)
    except ValueError:
        where = VARIABLE if given is None else "unproved"
        wanted = ", ".join(Unproved)
        raise ValueError(f"{where} is one of {wanted}, got {named!r}") from None


def tell(
    report: KernelReport,
    sources: Mapping[str, SourceFile],
    policy: Unproved,
    broken: str | None,
) -> None:
    """Warn of what is not proved for a launch, or refuse it. `broken` is the fact that it breaks,
    where the kernel is proved for launches that keep to it."""
    if policy is Unproved.ALLOW:
        return
    text = broken if report.verdict is Verdict.PROVED and broken else finding(report)
    if policy is Unproved.REFUSE:
        from oxide_analyzer.reports.full import render

        shown = [d for d in report.diagnostics if d.severity is not Severity.INFORMATION]
        rendered = render(shown, sources, False).rstrip() if shown else ""
        raise CheckError(report.name, f"{text}\n\n{rendered}".rstrip(), report)
    warnings.warn(UnprovedKernelWarning(report.name, text, report), stacklevel=_level())


def _level() -> int:
    """How many frames up the line stands that launches the kernel."""
    level, frame = 1, sys._getframe(1)  # pyright: ignore[reportPrivateUsage]
    while frame is not None and str(frame.f_globals.get("__name__", "")).startswith(_OWN):
        level, frame = level + 1, frame.f_back
    return level


def finding(report: KernelReport) -> str:
    """The first finding, with its rule and place."""
    shown = [d for d in report.diagnostics if d.severity in (Severity.ERROR, Severity.WARNING)]
    if not shown:
        return "it is not proved safe"
    first = min(shown, key=lambda d: (d.severity is not Severity.ERROR, d.span))
    more = f"; {len(shown) - 1} more" if len(shown) > 1 else ""
    return f"{first.message} [{first.code} at {first.span.path}:{first.span.line}]{more}"
