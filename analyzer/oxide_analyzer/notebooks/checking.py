"""The check of a notebook: that of its joined text, and what is wrong with its cells.

While a cell does not parse, the names that it would define are unknown, so what is said about
unknown names elsewhere (OX004) would mostly be its echo, and is left out until it does.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from oxide_analyzer import analysis

if TYPE_CHECKING:
    from collections.abc import Callable

    from oxide_analyzer.ir.kernel import Kernel
    from oxide_analyzer.modules import Modules
    from oxide_analyzer.notebooks.joined import Notebook
    from oxide_analyzer.report import KernelReport, Report

_UNKNOWN_NAME = "OX004"


def check(
    notebook: Notebook,
    modules: Modules,
    check_one: Callable[[Kernel], KernelReport] | None = None,
) -> Report:
    """The report about a notebook, with places in its joined text."""
    report = analysis.check(notebook.source, modules, check_one)
    if not notebook.findings:
        return report
    found = [d for d in report.diagnostics if d.code != _UNKNOWN_NAME]
    found += notebook.findings
    return replace(report, diagnostics=tuple(sorted(found, key=lambda d: (d.span, d.code))))
