"""Findings as a GitLab code quality report: the part of Code Climate's format that GitLab reads.

A list of objects with description, check name, fingerprint, severity, path and first line. GitLab
tells new findings from old ones by the fingerprint, so it survives edits elsewhere in the file, and
no two findings share one. The check's name is not displayed, so the description repeats it.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, TypeAlias

from oxide_analyzer.diagnostics import Severity, Verdict
from oxide_analyzer.fingerprints import unique
from oxide_analyzer.reports.places import shown

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from oxide_analyzer.diagnostics import Diagnostic
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
    paths = {path: shown(path, root) for path in {d.span.path for d in diagnostics}}
    marks = unique(diagnostics, sources, paths)
    return [_issue(d, paths[d.span.path], mark) for d, mark in zip(diagnostics, marks, strict=True)]


def _issue(diagnostic: Diagnostic, path: str, mark: str) -> Object:
    severity = _SEVERITIES[diagnostic.severity]
    if diagnostic.severity is Severity.ERROR and diagnostic.verdict is Verdict.VIOLATED:
        severity = "critical"
    return {
        "check_name": diagnostic.code,
        "description": f"{diagnostic.code} {diagnostic.name}: {diagnostic.message}",
        "fingerprint": mark,
        "severity": severity,
        "location": {
            "path": path,
            "lines": {"begin": diagnostic.span.line, "end": diagnostic.span.end_line},
        },
    }
