"""Findings as annotations of GitHub Actions: one workflow command each.

    ::error title=OX104 (shared-memory-race),file=k.py,line=7,endLine=7,col=13,endColumn=20::…

What ends a command or a property of it is escaped as the runner undoes it: `%`, line ends, and in
properties `:` and `,`. The runner hides the path of a command from the log, so the message repeats
it. Columns mean something to GitHub only where the finding is on one line. In a notebook the line
is that of the file, where GitHub shows it, and the message names the cell.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from oxide_analyzer.diagnostics import Severity
from oxide_analyzer.reports.frame import printable
from oxide_analyzer.reports.full import notes
from oxide_analyzer.reports.places import file_place, shown

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path

    from oxide_analyzer.diagnostics import Diagnostic
    from oxide_analyzer.source import SourceFile

_COMMANDS: Mapping[Severity, str] = {
    Severity.ERROR: "error",
    Severity.WARNING: "warning",
    Severity.INFORMATION: "notice",
    Severity.HINT: "notice",
}


def render(
    diagnostics: Iterable[Diagnostic],
    root: Path,
    sources: Mapping[str, SourceFile] | None = None,
) -> str:
    """One line a diagnostic; `root` is the checkout that the annotations belong to.

    `sources` holds the cells of notebooks by the paths of the spans.
    """
    return "".join(_command(diagnostic, root, sources or {}) for diagnostic in diagnostics)


def _command(diagnostic: Diagnostic, root: Path, sources: Mapping[str, SourceFile]) -> str:
    span = diagnostic.span
    place = file_place(span, sources)
    properties = {
        "title": f"{diagnostic.code} ({diagnostic.name})",
        "file": shown(place.path, root),
        "line": str(place.line),
        "endLine": str(place.end_line),
    }
    if span.end_line == span.line and place.cell is None:
        properties |= {"col": str(span.column), "endColumn": str(span.end_column)}
    lines = [f"{span}: {diagnostic.code} {diagnostic.message}"]
    lines += [f"{word}: {text}" for word, text in notes(diagnostic)]
    message = "\n".join(printable(line) for line in lines)
    inside = ",".join(f"{name}={_property(value)}" for name, value in properties.items())
    return f"::{_COMMANDS[diagnostic.severity]} {inside}::{_data(message)}\n"


def _data(text: str) -> str:
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _data(text).replace(":", "%3A").replace(",", "%2C")
