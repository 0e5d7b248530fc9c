"""Findings as SARIF 2.1.0, the interchange format of static analysis that code scanning reads.

One run. Its rules are those that spoke, with their pages as help. A result has its place, the
other access as related location, and the threads of its witness as a code flow: one thread flow a
thread, with what it does there. Columns are counted in characters, ends are exclusive; paths start
from the folder of the run where they lie below it. In a notebook a place is the lines of the file,
and says the cell and the line in it; its fixes are those of other formats.
"""

from __future__ import annotations

import json
from dataclasses import replace
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias
from urllib.parse import quote

from oxide_analyzer import rules
from oxide_analyzer.diagnostics import Severity
from oxide_analyzer.fingerprints import unique
from oxide_analyzer.reports import summary
from oxide_analyzer.reports.full import DOES, notes, primary_thread, thread_name
from oxide_analyzer.reports.places import below, file_place

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from oxide_analyzer.diagnostics import Diagnostic, Fix, Witness, WitnessThread
    from oxide_analyzer.report import Report
    from oxide_analyzer.rules.rule import Rule
    from oxide_analyzer.source import SourceFile, Span

Object: TypeAlias = dict[str, Any]

_SCHEMA = (
    "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"
)
_ROOT = "%SRCROOT%"

_LEVELS: Mapping[Severity, str] = {
    Severity.ERROR: "error",
    Severity.WARNING: "warning",
    Severity.INFORMATION: "note",
    Severity.HINT: "note",
}

# How code scanning sorts: error, warning, recommendation.
_PROBLEMS: Mapping[Severity, str] = {
    Severity.ERROR: "error",
    Severity.WARNING: "warning",
    Severity.INFORMATION: "recommendation",
    Severity.HINT: "recommendation",
}


def render(
    reports: Sequence[Report],
    diagnostics: Sequence[Diagnostic],
    sources: Mapping[str, SourceFile],
    root: Path,
) -> str:
    """The log; `root` is the folder that relative paths start from."""
    log = document(reports, diagnostics, sources, root)
    return json.dumps(log, indent=1, ensure_ascii=False) + "\n"


def document(
    reports: Sequence[Report],
    diagnostics: Sequence[Diagnostic],
    sources: Mapping[str, SourceFile],
    root: Path,
) -> Object:
    """What `render` writes, as values of JSON."""
    codes = sorted({diagnostic.code for diagnostic in diagnostics})
    spoke = [rule for rule in rules.RULES if rule.code in codes]
    place = _Places(root, sources)
    files = {d.span.path: file_place(d.span, sources).path for d in diagnostics}
    paths = {path: below(file, root) or file for path, file in files.items()}
    marks = unique(diagnostics, sources, paths)
    counts = summary.count(kernel for report in reports for kernel in report.kernels)
    run: Object = {
        "tool": {
            "driver": {
                "name": "oxide-check",
                "version": version("oxide-kernels"),
                "rules": [_rule(rule) for rule in spoke],
            }
        },
        "invocations": [
            {"executionSuccessful": not any(d.code == "OX999" for d in diagnostics)},
        ],
        "originalUriBaseIds": {
            _ROOT: {"description": {"text": "the folder that oxide-check stands for"}}
        },
        "columnKind": "unicodeCodePoints",
        "results": [
            _result(diagnostic, codes.index(diagnostic.code), mark, place)
            for diagnostic, mark in zip(diagnostics, marks, strict=True)
        ],
        "properties": {
            "kernels": {
                "proved": counts.proved,
                "violated": counts.violated,
                "unproved": counts.unproved,
                "assumed": counts.assumed,
            }
        },
    }
    return {"$schema": _SCHEMA, "version": "2.1.0", "runs": [run]}


def _rule(rule: Rule) -> Object:
    page = rule.page()
    what = _first_paragraph(page)
    return {
        "id": rule.code,
        "name": rule.name,
        "shortDescription": {"text": what},
        "fullDescription": {"text": what},
        "help": {"text": page, "markdown": page},
        "defaultConfiguration": {"level": _LEVELS[rule.severity]},
        "properties": {
            "tags": ["gpu", "correctness"],
            "precision": "very-high",
            "problem.severity": _PROBLEMS[rule.severity],
        },
    }


def _first_paragraph(page: str) -> str:
    """What the rule finds, in the words of its page."""
    paragraphs = [p.strip() for p in page.split("\n\n")]
    return next(" ".join(p.split()) for p in paragraphs if p and not p.startswith("#"))


def _result(diagnostic: Diagnostic, rule: int, mark: str, place: _Places) -> Object:
    location = place.location(diagnostic.span)
    if diagnostic.kernel is not None:
        location["logicalLocations"] = [{"name": diagnostic.kernel, "kind": "function"}]
    said = [diagnostic.message, *(f"{word}: {text}" for word, text in notes(diagnostic))]
    result: Object = {
        "ruleId": diagnostic.code,
        "ruleIndex": rule,
        "level": _LEVELS[diagnostic.severity],
        "message": {"text": "\n".join(said)},
        "locations": [location],
        "partialFingerprints": {"oxide/v1": mark},
    }
    if diagnostic.related:
        result["relatedLocations"] = [
            {"id": number, **place.location(related.span), "message": {"text": related.message}}
            for number, related in enumerate(diagnostic.related)
        ]
    if diagnostic.witness is not None and diagnostic.witness.threads:
        result["codeFlows"] = [_flow(diagnostic, diagnostic.witness, place)]
    if diagnostic.fixes and not place.is_cell(diagnostic.span):
        result["fixes"] = [_fix(fix, place) for fix in diagnostic.fixes]
    if diagnostic.suppressed is not None:
        result["suppressions"] = [{"kind": "inSource", "justification": diagnostic.suppressed}]
    if diagnostic.verdict is not None:
        result["properties"] = {"verdict": diagnostic.verdict.value}
    return result


def _flow(diagnostic: Diagnostic, witness: Witness, place: _Places) -> Object:
    primary = primary_thread(diagnostic, witness)
    return {
        "message": {"text": "the threads of a launch that breaks the kernel"},
        "threadFlows": [
            {
                "id": thread_name(thread, witness),
                "locations": [_step(diagnostic, thread, thread is primary, witness, place)],
            }
            for thread in witness.threads
        ],
    }


def _step(
    diagnostic: Diagnostic,
    thread: WitnessThread,
    is_primary: bool,
    witness: Witness,
    place: _Places,
) -> Object:
    others = [r.span for r in diagnostic.related if r.span.line == thread.line]
    if is_primary and diagnostic.span.line <= thread.line <= diagnostic.span.end_line:
        location = place.location(diagnostic.span)
    elif others:
        location = place.location(others[0])
    else:
        location = place.line(diagnostic.span, thread.line)
    text = f"{thread_name(thread, witness)} {DOES[thread.access]}"
    if witness.array is not None and thread.access.value in ("read", "write", "atomic"):
        text += f" {witness.array}[{', '.join(map(str, witness.index))}]"
    return {"location": {**location, "message": {"text": text}}}


def _fix(fix: Fix, place: _Places) -> Object:
    changes: dict[str, list[Object]] = {}
    for edit in fix.edits:
        changes.setdefault(edit.span.path, []).append(
            {"deletedRegion": _region(edit.span), "insertedContent": {"text": edit.text}}
        )
    return {
        "description": {"text": fix.title},
        "artifactChanges": [
            {"artifactLocation": place.artifact(path), "replacements": replacements}
            for path, replacements in changes.items()
        ],
        "properties": {"safe": fix.safe},
    }


class _Places:
    """Where things stand, relative to the folder of the run."""

    def __init__(self, root: Path, sources: Mapping[str, SourceFile]) -> None:
        self._root = root
        self._sources = sources

    def is_cell(self, span: Span) -> bool:
        """Whether it stands in a notebook."""
        return file_place(span, self._sources).cell is not None

    def artifact(self, path: str) -> Object:
        """A file."""
        inner = below(path, self._root)
        if inner is not None:
            return {"uri": quote(inner, errors="surrogateescape"), "uriBaseId": _ROOT}
        if path == "-":
            return {"uri": "stdin:", "description": {"text": "standard input"}}
        return {"uri": Path(path).absolute().as_uri()}

    def location(self, span: Span) -> Object:
        """A stretch of a file."""
        place = file_place(span, self._sources)
        if place.cell is None:
            return self._physical(place.path, _region(span))
        region = {"startLine": place.line, "endLine": place.end_line}
        where = {"cell": place.cell, "line": span.line, "column": span.column}
        return {**self._physical(place.path, region), "properties": where}

    def line(self, near: Span, line: int) -> Object:
        """A whole line of the file, or cell, that `near` is in."""
        place = file_place(replace(near, line=line, end_line=line), self._sources)
        return self._physical(place.path, {"startLine": place.line})

    def _physical(self, path: str, region: Object) -> Object:
        return {"physicalLocation": {"artifactLocation": self.artifact(path), "region": region}}


def _region(span: Span) -> Object:
    return {
        "startLine": span.line,
        "startColumn": span.column,
        "endLine": span.end_line,
        "endColumn": span.end_column,
    }
