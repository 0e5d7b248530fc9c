"""Hints between the words of a kernel, by kinds that are switched on one by one.

    tile = SharedArray(f32, 256) 1,024 bytes         sharedMemory
    y = a[i] checked at run time                     checks
    stride: i64 = BLOCK // 2                         types
    stride 0 … 128 = BLOCK // 2                      ranges
    if t < stride differs in a warp:                 divergence
    def block_sum(…): needs grid_dim.y == 1          launchFacts

They insert nothing when clicked. Those of lines that were not touched stay while the kernel is
being checked.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from lsprotocol import types

from oxide_analyzer.facts.polys import Level
from oxide_analyzer.ir.expressions import Space
from oxide_analyzer.source import Span
from oxide_analyzer.wording import in_words
from oxide_lsp.features import describe
from oxide_lsp.features.preferences import Hint

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from oxide_analyzer.insights.records import Insights, VariableInsight
    from oxide_analyzer.source import SourceFile
    from oxide_lsp.known import Known
    from oxide_lsp.server import OxideServer

# Where a name is bound: in front of `=`, or of a comma or bracket that leads to one, or of `in`.
_BOUND = r"(?<![\w.])(?:for\s+)?{}\s*(?=(?:[,)\s\w]*=(?!=))|(?:[,)\s\w]*\bin\b))"

_LEVELS = {Level.WARP: "differs in a block", Level.THREAD: "differs in a warp"}


def register(ls: OxideServer) -> None:
    """Offer hints."""
    ls.feature(types.TEXT_DOCUMENT_INLAY_HINT)(inlay_hints)


def inlay_hints(ls: OxideServer, params: types.InlayHintParams) -> list[types.InlayHint]:
    """The hints of a stretch of lines."""
    document = ls.documents.get(params.text_document.uri)
    wanted = ls.preferences.hints
    if document is None or not wanted or not document.mentions_kernels:
        return []
    source = document.source
    wanted_lines = ls.converter.span(source, params.range)
    hints: dict[tuple[int, int, int, str], types.InlayHint] = {}
    for known in document.file.kernels():
        insights = known.insights
        if insights is None:
            continue
        for order, kind in enumerate(_KINDS):
            if kind not in wanted:
                continue
            for line, column, text in _KINDS[kind](known, insights, source):
                span = Span(source.path, line, column, line, column)
                if wanted_lines.contains(line, column) and document.holds(span):
                    place = ls.converter.range(source, span)
                    hints[line, column, order, text] = types.InlayHint(
                        position=place.start,
                        label=text,
                        kind=types.InlayHintKind.Type if kind is Hint.TYPES else None,
                        padding_left=kind is not Hint.TYPES,
                    )
    return [hint for _, hint in sorted(hints.items(), key=lambda one: one[0])]


def _shared_memory(
    known: Known, insights: Insights, source: SourceFile
) -> Iterator[tuple[int, int, str]]:
    for memory in insights.memories:
        place = known.place(memory.span) if memory.space is Space.SHARED else None
        if place is not None and memory.bytes is not None:
            yield place.end_line, place.end_column, describe.size(memory.bytes)


def _checks(known: Known, insights: Insights, source: SourceFile) -> Iterator[tuple[int, int, str]]:
    if not describe.is_run_with_checks(known):
        return
    for access in insights.accesses:
        place = known.place(access.span) if access.is_checked else None
        if place is not None:
            yield place.end_line, place.end_column, "checked at run time"


def _types(known: Known, insights: Insights, source: SourceFile) -> Iterator[tuple[int, int, str]]:
    for variable in insights.variables:
        for line, column in _bindings(variable, known, source):
            yield line, column, f": {variable.type}"


def _ranges(known: Known, insights: Insights, source: SourceFile) -> Iterator[tuple[int, int, str]]:
    for variable in insights.variables:
        text = describe.numbers(variable.low, variable.high)
        if text:
            for line, column in _bindings(variable, known, source):
                yield line, column, text


def _divergence(
    known: Known, insights: Insights, source: SourceFile
) -> Iterator[tuple[int, int, str]]:
    for branch in insights.branches:
        place = known.place(branch.span)
        if place is not None and branch.level in _LEVELS:
            yield place.end_line, place.end_column, _LEVELS[branch.level]


def _launch_facts(
    known: Known, insights: Insights, source: SourceFile
) -> Iterator[tuple[int, int, str]]:
    answer = known.answer
    if answer is not None and answer.facts:
        line = known.name_span.line
        column = len(source.line(line).rstrip()) + 1
        facts = ", ".join(in_words(fact, answer.dialect) for fact in answer.facts)
        yield line, column, f"needs {facts}"


_KINDS: Mapping[Hint, Callable[[Known, Insights, SourceFile], Iterator[tuple[int, int, str]]]] = {
    Hint.SHARED_MEMORY: _shared_memory,
    Hint.CHECKS: _checks,
    Hint.TYPES: _types,
    Hint.RANGES: _ranges,
    Hint.DIVERGENCE: _divergence,
    Hint.LAUNCH_FACTS: _launch_facts,
}


def _bindings(
    variable: VariableInsight, known: Known, source: SourceFile
) -> Iterator[tuple[int, int]]:
    """Behind the name, where the variable is first assigned; not if it says its type itself."""
    if variable.is_parameter or "." in variable.name:
        return
    pattern = re.compile(_BOUND.format(re.escape(variable.name)))
    places = (known.place(occurrence.span) for occurrence in variable.occurrences)
    for place in sorted(place for place in places if place is not None):
        text = source.line(place.line)
        found = pattern.search(text, place.column - 1)
        if found is None:
            continue
        end = found.start() + len(found[0].rstrip())
        if text[end:].lstrip()[:1] != ":":
            yield place.line, end + 1
        return
