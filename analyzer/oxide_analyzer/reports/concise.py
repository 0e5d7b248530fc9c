"""One line a finding: `path:line:column: CODE [name] message`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from oxide_analyzer.reports.frame import printable

if TYPE_CHECKING:
    from collections.abc import Iterable

    from oxide_analyzer.diagnostics import Diagnostic


def render(diagnostics: Iterable[Diagnostic]) -> str:
    """One line a diagnostic, each with its end."""
    return "".join(_line(diagnostic) for diagnostic in diagnostics)


def _line(diagnostic: Diagnostic) -> str:
    hidden = "" if diagnostic.suppressed is None else f" (suppressed: {diagnostic.suppressed})"
    text = f"{diagnostic.code} [{diagnostic.name}] {diagnostic.message}{hidden}"
    return printable(f"{diagnostic.span}: {text}") + "\n"
