"""What is known about a file: `check(source) -> Report`.

    source ─► frontend ─► kernels ─► verdicts ─► diagnostics ─► suppressions ─► Report

Never raises for a user's file: whatever is wrong with it is a diagnostic with a code and a place.
"""

from __future__ import annotations

from time import perf_counter
from typing import TYPE_CHECKING

from oxide_analyzer import suppressions
from oxide_analyzer.diagnostics import ObligationCounts, Verdict
from oxide_analyzer.frontends.oxide import read
from oxide_analyzer.report import KernelReport, Report

if TYPE_CHECKING:
    from oxide_analyzer.diagnostics import Diagnostic
    from oxide_analyzer.frontends.oxide import Unread
    from oxide_analyzer.ir.nodes import Kernel
    from oxide_analyzer.modules import Modules
    from oxide_analyzer.source import SourceFile


def check(source: SourceFile, modules: Modules) -> Report:
    """The kernels of a file with their verdicts, and all its diagnostics."""
    reading = read(source, modules)
    kernels = [check_kernel(kernel) for kernel in reading.kernels]
    kernels += [_unread(unread, reading.diagnostics) for unread in reading.unread]
    kernels.sort(key=lambda report: report.span)
    found = [*reading.diagnostics, *(d for kernel in kernels for d in kernel.diagnostics)]
    diagnostics = suppressions.apply(source, tuple(dict.fromkeys(found)))
    return Report(source.path, tuple(kernels), diagnostics)


def check_kernel(kernel: Kernel) -> KernelReport:
    """The verdict on one kernel: unproved until its obligations are."""
    start = perf_counter()
    return KernelReport(
        name=kernel.name,
        qualname=kernel.qualname,
        span=kernel.span,
        name_span=kernel.name_span,
        dialect=kernel.dialect,
        verdict=Verdict.UNPROVED,
        kernel=kernel,
        facts=(),
        obligations=ObligationCounts(),
        diagnostics=(),
        checked=None,
        milliseconds=1e3 * (perf_counter() - start),
    )


def _unread(unread: Unread, diagnostics: tuple[Diagnostic, ...]) -> KernelReport:
    """A kernel that could not be read is unproved; its findings say why."""
    return KernelReport(
        name=unread.name,
        qualname=unread.qualname,
        span=unread.span,
        name_span=unread.name_span,
        dialect="oxide",
        verdict=Verdict.UNPROVED,
        kernel=None,
        facts=(),
        obligations=ObligationCounts(),
        diagnostics=tuple(d for d in diagnostics if d.kernel == unread.name),
        checked=None,
        milliseconds=0.0,
    )
