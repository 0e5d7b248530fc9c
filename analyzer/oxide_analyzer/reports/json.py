"""Reports as JSON, for programs. Version 1: every key is always there, null or empty where unused.

Lines and columns count from 1, columns in characters, ends exclusive. Entries are sorted by path,
line, column, code. Only removals and changes raise the version; consumers ignore unknown keys.
"""

from __future__ import annotations

import json
import math
from typing import TYPE_CHECKING, Any, TypeAlias

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
    from oxide_analyzer.source import Span

Object: TypeAlias = dict[str, Any]

VERSION = 1


def render(reports: Sequence[Report], diagnostics: Sequence[Diagnostic]) -> str:
    """The kernels of `reports` and the given findings of theirs, ending in a line end."""
    return json.dumps(document(reports, diagnostics), indent=1, ensure_ascii=False) + "\n"


def document(reports: Sequence[Report], diagnostics: Sequence[Diagnostic]) -> Object:
    """What `render` writes, as values of JSON."""
    kernels = [(report.path, kernel) for report in reports for kernel in report.kernels]
    kernels.sort(key=lambda entry: (entry[0], entry[1].span))
    return {
        "version": VERSION,
        "kernels": [_kernel(path, kernel) for path, kernel in kernels],
        "diagnostics": [
            _diagnostic(diagnostic)
            for diagnostic in sorted(diagnostics, key=lambda d: (d.span, d.code, d.message))
        ],
    }


def _kernel(path: str, kernel: KernelReport) -> Object:
    return {
        "path": path,
        "name": kernel.name,
        "line": kernel.span.line,
        "end_line": kernel.span.end_line,
        "cell": None,
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


def _diagnostic(diagnostic: Diagnostic) -> Object:
    return {
        **_stretch(diagnostic.span),
        "cell": None,
        "code": diagnostic.code,
        "name": diagnostic.name,
        "severity": diagnostic.severity.value,
        "kernel": diagnostic.kernel,
        "verdict": None if diagnostic.verdict is None else diagnostic.verdict.value,
        "message": diagnostic.message,
        "reason": diagnostic.reason,
        "suppressed": diagnostic.suppressed,
        "related": [_related(related) for related in diagnostic.related],
        "fixes": [_fix(fix) for fix in diagnostic.fixes],
        "witness": None if diagnostic.witness is None else _witness(diagnostic.witness),
    }


def _stretch(span: Span) -> Object:
    return {
        "path": span.path,
        "line": span.line,
        "column": span.column,
        "end_line": span.end_line,
        "end_column": span.end_column,
    }


def _related(related: Related) -> Object:
    span = related.span
    return {
        "path": span.path,
        "line": span.line,
        "column": span.column,
        "message": related.message,
    }


def _fix(fix: Fix) -> Object:
    return {"title": fix.title, "safe": fix.safe, "edits": [_edit(edit) for edit in fix.edits]}


def _edit(edit: Edit) -> Object:
    return {**_stretch(edit.span), "text": edit.text}


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
