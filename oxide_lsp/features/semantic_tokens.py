"""Highlighting of what only the analyzer knows: memory spaces, and code that threads part before.

    tile[t] = a[i]          tile: sharedMemory, a: globalMemory
    if t < stride:
        x = tile[t]         x, tile, t: divergent

Names alone are marked: types that Python's own server may give to the same words say nothing of
memory. `divergent` is code to which some threads of a warp do not come, `divergentWarps` code to
which some warps of a block do not.
"""

from __future__ import annotations

import io
import keyword
import tokenize
from functools import lru_cache
from typing import TYPE_CHECKING, TypeAlias

from lsprotocol import types

from oxide_analyzer.facts.polys import Level
from oxide_analyzer.ir.expressions import Space
from oxide_analyzer.source import Span

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from oxide_analyzer.source import SourceFile
    from oxide_lsp.known import Known
    from oxide_lsp.server import OxideServer

# A name: its line and column, counted from the first line and from 1, and its text.
_Name: TypeAlias = tuple[int, int, str]

TYPES = ("variable", "parameter")
MODIFIERS = (
    "globalMemory",
    "sharedMemory",
    "localMemory",
    "constantMemory",
    "divergent",
    "divergentWarps",
)
_SPACES = {
    Space.GLOBAL: "globalMemory",
    Space.SHARED: "sharedMemory",
    Space.LOCAL: "localMemory",
    Space.CONSTANT: "constantMemory",
}
_LEVELS = {Level.THREAD: "divergent", Level.WARP: "divergentWarps"}
_KEPT_TEXTS = 256


def register(ls: OxideServer) -> None:
    """Offer highlighting."""
    legend = types.SemanticTokensLegend(token_types=list(TYPES), token_modifiers=list(MODIFIERS))
    ls.feature(types.TEXT_DOCUMENT_SEMANTIC_TOKENS_FULL, legend)(semantic_tokens)


def semantic_tokens(
    ls: OxideServer, params: types.SemanticTokensParams
) -> types.SemanticTokens | None:
    """The marked names of a file; None where there is nothing to mark, so that others may."""
    document = ls.documents.get(params.text_document.uri)
    if document is None or not ls.preferences.highlighting or not document.mentions_kernels:
        return None
    source = document.source
    marks: dict[Span, tuple[str, set[str]]] = {}
    for known in document.file.kernels():
        for span, kind, modifier in _marks(known, source):
            if not document.holds(span):
                continue
            marks.setdefault(span, (kind, set()))[1].add(modifier)
    if not marks:
        return None
    data: list[int] = []
    line = character = 0
    for span, (kind, modifiers) in sorted(marks.items()):
        place = ls.converter.range(source, span)
        start = place.start
        bits = sum(1 << MODIFIERS.index(modifier) for modifier in modifiers)
        delta = start.character - (character if start.line == line else 0)
        length = place.end.character - start.character
        data += [start.line - line, delta, length, TYPES.index(kind), bits]
        line, character = start.line, start.character
    return types.SemanticTokens(data=data)


def _marks(known: Known, source: SourceFile) -> Iterator[tuple[Span, str, str]]:
    """Names of a kernel with what they are marked as."""
    insights = known.insights
    if insights is None:
        return
    spaces = {memory.name: memory for memory in insights.memories}
    inside = list(_names(source, known.span))
    for span, name in inside:
        memory = spaces.get(name)
        if memory is not None:
            kind = "parameter" if memory.space is Space.GLOBAL else "variable"
            yield span, kind, _SPACES[memory.space]
    for stretch in insights.stretches:
        place = known.place(stretch.span)
        if place is None or stretch.level not in _LEVELS:
            continue
        # Helpers stand elsewhere in the file.
        is_inside = known.span.contains(place.line, place.column)
        for span, name in inside if is_inside else _names(source, place):
            if place.contains(span.line, span.column) and span.end_column <= _end(place, span):
                memory = spaces.get(name)
                is_parameter = memory is not None and memory.space is Space.GLOBAL
                yield span, "parameter" if is_parameter else "variable", _LEVELS[stretch.level]


def _end(place: Span, span: Span) -> int:
    return place.end_column if span.line == place.end_line else span.end_column


def _names(source: SourceFile, span: Span) -> Iterable[tuple[Span, str]]:
    """The names in a stretch of whole lines, attributes left out."""
    text = "".join(source.lines[span.line - 1 : span.end_line])
    for line, column, name in _tokenized(text):
        number = span.line + line
        yield Span(source.path, number, column, number, column + len(name)), name


@lru_cache(maxsize=_KEPT_TEXTS)
def _tokenized(text: str) -> tuple[_Name, ...]:
    found: list[_Name] = []
    before = ""
    try:
        for token in tokenize.generate_tokens(io.StringIO(text).readline):
            if (
                token.type == tokenize.NAME
                and before != "."
                and not keyword.iskeyword(token.string)
            ):
                found.append((token.start[0] - 1, token.start[1] + 1, token.string))
            before = token.string
    except (tokenize.TokenError, SyntaxError):
        # The lines of a helper begin indented, and what is being typed may be anything.
        pass
    return tuple(found)
