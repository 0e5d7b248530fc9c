"""Findings as a GitLab code quality report: the part of Code Climate's format that GitLab reads.

A list of objects with description, check name, fingerprint, severity, path and first line. GitLab
tells new findings from old ones by the fingerprint, so it survives edits elsewhere in the file, and
no two findings share one. The check's name is not displayed, so the description repeats it, and
the cell of a notebook, whose lines are those of its file.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, TypeAlias

from oxide_analyzer.diagnostics import Severity, Verdict
from oxide_analyzer.fingerprints import unique
from oxide_analyzer.reports.places import file_place, shown

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from oxide_analyzer.diagnostics import Diagnostic
    from oxide_analyzer.reports.places import FilePlace
    from oxide_analyzer.source import SourceFile

Object: TypeAlias = dict[str, Any]

# One of info, minor, major, critical, blocker.
_SEVERITIES: Mapping[Severity, str] = {
    Severity.ERROR: "major",
    Severity.WARNING: "minor",
    Severity.INFORMATION: "info",
    Severity.HINT: "info",
}


def render(diagnostics: Sequence[Diagnostic], sources: Mapping[str, SourceFile], root: Path) -> str:
    """The report; `root` is the project that the paths start from."""
    return json.dumps(document(diagnostics, sources, root), indent=1, ensure_ascii=False) + "\n"


def document(
    diagnostics: Sequence[Diagnostic], sources: Mapping[str, SourceFile], root: Path
) -> list[Object]:
    """What `render` writes, as values of JSON."""
    places = [file_place(d.span, sources) for d in diagnostics]
    paths = {
        d.span.path: shown(place.path, root) for d, place in zip(diagnostics, places, strict=True)
    }
    marks = unique(diagnostics, sources, paths)
    return [
        _issue(d, place, paths[d.span.path], mark)
        for d, place, mark in zip(diagnostics, places, marks, strict=True)
    ]


def _issue(diagnostic: Diagnostic, place: FilePlace, path: str, mark: str) -> Object:
    severity = _SEVERITIES[diagnostic.severity]
    if diagnostic.severity is Severity.ERROR and diagnostic.verdict is Verdict.VIOLATED:
        severity = "critical"
    cell = f" (cell {place.cell}, line {diagnostic.span.line})" if place.cell is not None else ""
    return {
        "check_name": diagnostic.code,
        "description": f"{diagnostic.code} {diagnostic.name}: {diagnostic.message}{cell}",
        "fingerprint": mark,
        "severity": severity,
        "location": {
            "path": path,
            "lines": {"begin": place.line, "end": place.end_line},
        },
    }
