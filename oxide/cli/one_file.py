"""The argument `FILE[:KERNEL]`: a file and its report, or one kernel in it."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

from oxide.cli.failure import WrongUse
from oxide_analyzer import project
from oxide_analyzer.configuration import ConfigurationError
from oxide_analyzer.configuration import find as find_configuration
from oxide_analyzer.diagnostics import Severity, Verdict

if TYPE_CHECKING:
    from oxide_analyzer.diagnostics import Diagnostic
    from oxide_analyzer.report import KernelReport, Report
    from oxide_analyzer.source import SourceFile


def split(target: str) -> tuple[Path, str | None]:
    """The file, and the kernel behind its last colon; a drive letter is no file."""
    path, colon, name = target.rpartition(":")
    if colon and name.replace(".", "").isidentifier() and not Path(target).is_file():
        return Path(path), name
    return Path(target), None


def checked(path: Path) -> tuple[SourceFile, Report]:
    """A file and what is known about its kernels."""
    from oxide_analyzer.analysis import check

    try:
        read = project.read(path)
        modules = project.modules(path, find_configuration(path.parent))
    except (OSError, ConfigurationError) as error:
        raise WrongUse(f"cannot read `{path}`: {getattr(error, 'strerror', error)}") from error
    if read is None:
        raise WrongUse(f"there is no kernel in `{path}`")
    if isinstance(read, project.Undecodable | project.Unreadable):
        raise WrongUse(f"cannot read `{path}`: {read.why}")
    return read, check(read, modules)


def chosen(path: Path, wanted: str | None, report: Report) -> list[KernelReport]:
    """The kernels of a report, or the one that is wanted."""
    kernels = [k for k in report.kernels if wanted in (None, k.name, k.qualname)]
    if not kernels:
        raise WrongUse(_no_kernel(path, wanted, report))
    return kernels


def explain_file(report: Report, source: SourceFile) -> bool:
    """Print the errors that belong to no kernel; whether there are any."""
    return explain(
        [d for d in report.diagnostics if d.kernel is None and d.severity is Severity.ERROR], source
    )


def explain_kernel(report: KernelReport, source: SourceFile) -> None:
    """Print why a kernel does not compile."""
    explain([d for d in report.diagnostics if d.severity is Severity.ERROR], source)
    why = f"does not compile: it is {report.verdict}"
    if report.verdict is Verdict.PROVED:
        why = "is compiled by a launch, which says its constants and functions"
    sys.stderr.write(f"`{report.name}` {why}\n")


def explain(diagnostics: list[Diagnostic], source: SourceFile) -> bool:
    """Print diagnostics in full; whether there are any."""
    from oxide.cli.terminal import shows_colour
    from oxide_analyzer.reports import full

    text = full.render(diagnostics, {source.path: source}, shows_colour(sys.stderr))
    sys.stderr.write(text)
    return bool(diagnostics)


def _no_kernel(path: Path, wanted: str | None, report: Report) -> str:
    if not report.kernels or wanted is None:
        errors = [d.message for d in report.diagnostics if d.severity is Severity.ERROR]
        return f"there is no kernel in `{path}`" + (f": {errors[0]}" if errors else "")
    names = ", ".join(f"`{kernel.qualname}`" for kernel in report.kernels)
    return f"there is no kernel `{wanted}` in `{path}`; there are {names}"
