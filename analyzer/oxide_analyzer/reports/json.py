"""Reports as JSON, for programs. Version 1: every key is always there, null or empty where unused.

Lines and columns count from 1, columns in characters, ends exclusive; in a notebook lines count in
the code cell `cell`, which counts from 1. Entries are sorted by path,
line, column, code. Only removals and changes raise the version; consumers ignore unknown keys.
"""

from __future__ import annotations

import json
import math
from typing import TYPE_CHECKING, Any, TypeAlias

from oxide_analyzer.reports.places import file_place

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from oxide_analyzer.diagnostics import (
        Diagnostic,
        Edit,
        Fix,
        ObligationCounts,
        Place,
        Related,
        Witness,
        WitnessThread,
    )
    from oxide_analyzer.report import KernelReport, Report
    from oxide_analyzer.source import SourceFile, Span

Object: TypeAlias = dict[str, Any]

VERSION = 1


def render(
    reports: Sequence[Report],
    diagnostics: Sequence[Diagnostic],
    sources: Mapping[str, SourceFile] | None = None,
) -> str:
    """The kernels of `reports` and the given findings of theirs, ending in a line end.

    `sources` holds the cells of notebooks by the paths of the spans.
    """
    shown = document(reports, diagnostics, sources)
    return json.dumps(shown, indent=1, ensure_ascii=False) + "\n"


def document(
    reports: Sequence[Report],
    diagnostics: Sequence[Diagnostic],
    sources: Mapping[str, SourceFile] | None = None,
) -> Object:
    """What `render` writes, as values of JSON."""
    place = _Places(sources or {})
    kernels = [kernel for report in reports for kernel in report.kernels]
    kernels.sort(key=lambda kernel: place.order(kernel.span))
    return {
        "version": VERSION,
        "kernels": [_kernel(kernel, place) for kernel in kernels],
        "diagnostics": [
            _diagnostic(diagnostic, place)
            for diagnostic in sorted(
                diagnostics, key=lambda d: (place.order(d.span), d.code, d.message)
            )
        ],
    }


class _Places:
    """Where spans are: in files, and in cells of notebooks."""

    def __init__(self, sources: Mapping[str, SourceFile]) -> None:
        self._sources = sources

    def order(self, span: Span) -> tuple[str, int, Span]:
        """Sorts as places in files do, cells by their numbers."""
        place = file_place(span, self._sources)
        return place.path, place.cell or 0, span

    def path(self, span: Span) -> str:
        """The file."""
        return file_place(span, self._sources).path

    def cell(self, span: Span) -> Object:
        """The code cell, null outside of notebooks."""
        return {"cell": file_place(span, self._sources).cell}

    def stretch(self, span: Span) -> Object:
        """Path, lines and columns."""
        return {
            **self.start(span),
            "end_line": span.end_line,
            "end_column": span.end_column,
        }

    def start(self, span: Span) -> Object:
        """Path, line and column."""
        return {"path": self.path(span), "line": span.line, "column": span.column}


def _kernel(kernel: KernelReport, place: _Places) -> Object:
    return {
        "path": place.path(kernel.span),
        "name": kernel.name,
        "line": kernel.span.line,
        "end_line": kernel.span.end_line,
        **place.cell(kernel.span),
        "dialect": kernel.dialect,
        "verdict": kernel.verdict.value,
        "facts": [fact.text for fact in kernel.facts],
        "launches": list(kernel.launches),
        "assumed": [_assumed(place) for place in kernel.assumed],
        "unsafe": [_unsafe(place) for place in kernel.unsafe],
        "obligations": _obligations(kernel.obligations),
        "milliseconds": round(kernel.milliseconds, 3),
    }


def _assumed(place: Place) -> Object:
    return {"line": place.line, "column": place.column, "what": place.text}


def _unsafe(place: Place) -> Object:
    return {"line": place.line, "reason": place.text}


def _obligations(counts: ObligationCounts) -> Object:
    return {
        "proved": dict(counts.proved),
        "violated": counts.violated,
        "unproved": counts.unproved,
        "lifted": counts.lifted,
    }


def _diagnostic(diagnostic: Diagnostic, place: _Places) -> Object:
    return {
        **place.stretch(diagnostic.span),
        **place.cell(diagnostic.span),
        "code": diagnostic.code,
        "name": diagnostic.name,
        "severity": diagnostic.severity.value,
        "kernel": diagnostic.kernel,
        "verdict": None if diagnostic.verdict is None else diagnostic.verdict.value,
        "message": diagnostic.message,
        "reason": diagnostic.reason,
        "suppressed": diagnostic.suppressed,
        "related": [_related(related, place) for related in diagnostic.related],
        "fixes": [_fix(fix, place) for fix in diagnostic.fixes],
        "witness": None if diagnostic.witness is None else _witness(diagnostic.witness),
    }


def _related(related: Related, place: _Places) -> Object:
    span = related.span
    return {**place.start(span), **place.cell(span), "message": related.message}


def _fix(fix: Fix, place: _Places) -> Object:
    edits = [_edit(edit, place) for edit in fix.edits]
    return {"title": fix.title, "safe": fix.safe, "edits": edits}


def _edit(edit: Edit, place: _Places) -> Object:
    return {**place.stretch(edit.span), **place.cell(edit.span), "text": edit.text}


def _witness(witness: Witness) -> Object:
    return {
        "array": witness.array,
        "shape": list(witness.shape),
        "index": list(witness.index),
        "block_dim": list(witness.block_dim),
        "grid_dim": list(witness.grid_dim),
        "parameters": _numbers(witness.parameters),
        "values": _numbers(witness.values),
        "replayed": witness.replayed,
        "threads": [_thread(thread) for thread in witness.threads],
    }


def _thread(thread: WitnessThread) -> Object:
    return {
        "block": list(thread.block),
        "thread": list(thread.thread),
        "line": thread.line,
        "access": thread.access.value,
    }


def _numbers(numbers: Mapping[str, int | float | bool]) -> Object:
    return {name: _number(value) for name, value in numbers.items()}


def _number(value: float | bool) -> float | bool | str:
    """JSON has no infinities and no NaN, so these are their names."""
    if isinstance(value, float) and not math.isfinite(value):
        return str(value)
    return value
