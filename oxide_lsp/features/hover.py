"""Hover: kernels, accesses, variables, memories, names of the language, and rules.

    def block_sum, block_sum[…]   verdict, facts, resources, PTX
    tile[t + stride]              index, what protects it, what it costs, its PTX
    stride                        type, numbers, for whom it is one
    thread.x                      signature and a line of documentation
    # oxide: ignore[OX104] …      what the rule is about

Hover never waits, neither for the solver nor for the compiler: of what they are working on it
says just that.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from lsprotocol import types

from oxide_analyzer.source import Span
from oxide_lsp.convert import page_path
from oxide_lsp.features import describe, ptx
from oxide_lsp.features.ptx_text import Hidden, shown

if TYPE_CHECKING:
    from collections.abc import Iterator

    from oxide_analyzer.insights.records import (
        AccessInsight,
        MemoryInsight,
        Occurrence,
        VariableInsight,
    )
    from oxide_analyzer.source import SourceFile
    from oxide_lsp.compiling import Compiled
    from oxide_lsp.known import Known
    from oxide_lsp.server import OxideServer
    from oxide_lsp.state import Document

# Editors lay out long hovers slowly; the whole is what the document beside the source is for.
_MOST_PTX_LINES = 60
_MOST_PTX_LINES_OF_ACCESS = 12

_DOTTED = re.compile(r"[^\W\d]\w*(?:\.[^\W\d]\w*)*")
_NAME = re.compile(r"[^\W\d]\w*")
_RULE = re.compile(r"[\w-]+")
_NUMBER = re.compile(r"OX\d{3}", re.IGNORECASE)


def register(ls: OxideServer) -> None:
    """Offer hover."""
    ls.feature(types.TEXT_DOCUMENT_HOVER)(hover)


def hover(ls: OxideServer, params: types.HoverParams) -> types.Hover | None:
    """What is known about the word at the position."""
    if params.text_document.uri.startswith(f"{ptx.SCHEME}:"):
        return ptx.hover(ls, params)
    document = ls.documents.get(params.text_document.uri)
    if document is None or not document.mentions_kernels:
        return None
    source = document.source
    line, column = ls.converter.place(source, params.position)
    found = (
        _kernel(ls, document, line, column)
        or _rule(source, line, column)
        or _variable(document, line, column)
        or _intrinsic(document, line, column)
        or _access(ls, document, line, column)
        or _memory(document, line, column)
    )
    if found is None:
        return None
    text, span = found
    content = types.MarkupContent(kind=types.MarkupKind.Markdown, value=text)
    return types.Hover(contents=content, range=ls.converter.range(source, span))


# ---------------------------------------------------------------- kernels


def _kernel(ls: OxideServer, document: Document, line: int, column: int) -> tuple[str, Span] | None:
    launched = _launched(document.source, line, column)
    for known in document.file.kernels():
        is_launched = launched is not None and launched[0] == known.name
        if is_launched or known.name_span.contains(line, column):
            compiled = ls.listings.of(document, known)
            text = describe.kernel(known, compiled, ls.converter)
            if compiled is not None and compiled.problem is None:
                code = _code(ls, document, compiled)
                lines = describe.excerpt([text for text, _ in code], _MOST_PTX_LINES)
                text = "\n".join([text, "", f"PTX for {ls.target}:", "", *lines])
            return text, launched[1] if launched is not None and is_launched else known.name_span
    return None


def _launched(source: SourceFile, line: int, column: int) -> tuple[str, Span] | None:
    """The name of what is launched there, if it is a kernel: `block_sum[grid, block](a, out)`."""
    word = _word(source, line, column, _NAME)
    if word is None:
        return None
    text, span = source.line(line), word[1]
    is_whole = text[: span.column - 1][-1:] != "."
    return word if is_whole and text[span.end_column - 1 :].startswith("[") else None


def _code(ls: OxideServer, document: Document, compiled: Compiled) -> list[tuple[str, int]]:
    """The lines of PTX with those of the source, as the document beside it would show them."""
    hidden = ls.views.hidden | {Hidden.SOURCE, Hidden.COMMENTS}
    text = shown("", compiled, hidden, document.source.lines)
    pairs = zip(text.text.split("\n"), text.lines, strict=False)
    return [(line, number) for line, number in pairs if line.strip() and line[:2] != "//"]


# ---------------------------------------------------------------- what stands in kernels


def _around(document: Document, line: int, column: int) -> Iterator[Known]:
    """The kernels that may say something of a place: helpers stand outside of them."""
    kernels = [known for known in document.file.kernels() if known.insights is not None]
    yield from sorted(kernels, key=lambda known: not known.span.contains(line, column))


def _variable(document: Document, line: int, column: int) -> tuple[str, Span] | None:
    word = _word(document.source, line, column, _NAME)
    if word is None:
        return None
    name, span = word
    for known in _around(document, line, column):
        assert known.insights is not None
        for variable in known.insights.variables:
            if variable.name.rpartition(".")[2] == name:
                found, here = _occurs(variable, known, span)
                if found:
                    return describe.variable(variable, here, known), span
    return None


def _occurs(variable: VariableInsight, known: Known, word: Span) -> tuple[bool, Occurrence | None]:
    """Whether this word is the variable, and where it is read or assigned: the smallest place."""
    found: tuple[tuple[int, int], Occurrence] | None = None
    for occurrence in variable.occurrences:
        now = known.place(occurrence.span)
        if now is None or not _holds(now, word):
            continue
        extent = now.end_line - now.line, now.end_column - now.column
        if found is None or extent < found[0]:
            found = extent, occurrence
    return (False, None) if found is None else (True, found[1])


def _access(ls: OxideServer, document: Document, line: int, column: int) -> tuple[str, Span] | None:
    for known in _around(document, line, column):
        insights = known.insights
        assert insights is not None
        here = [
            (place, access)
            for access in insights.accesses
            if (place := known.place(access.span)) is not None and place.contains(line, column)
        ]
        if not here:
            continue
        span = min((place for place, _ in here), key=lambda p: (p.end_line - p.line, _width(p)))
        found = [access for place, access in here if place == span]
        memories = {memory.name: memory for memory in insights.memories}
        parts = [
            describe.access(access, known, memories.get(access.array), ls.converter)
            for access in found
        ]
        parts += _ptx_of(ls, document, known, found[0])
        return "\n\n".join(parts), span
    return None


def _ptx_of(
    ls: OxideServer, document: Document, known: Known, access: AccessInsight
) -> Iterator[str]:
    """The instructions of an access's line, if they are known."""
    insights, compiled = known.insights, ls.listings.of(document, known)
    if compiled is None or insights is None or compiled.problem is not None:
        return
    wanted = compiled.origin + access.span.line - insights.first_line
    lines = [text.strip() for text, number in _code(ls, document, compiled) if number == wanted]
    if lines:
        yield "\n".join(describe.excerpt(lines, _MOST_PTX_LINES_OF_ACCESS))


def _memory(document: Document, line: int, column: int) -> tuple[str, Span] | None:
    word = _word(document.source, line, column, _NAME)
    if word is None or not in_kernel_code(document, line, column):
        return None
    name, span = word
    for known in document.kernels():
        insights = known.insights
        if insights is None or not known.span.contains(line, column):
            continue
        found: MemoryInsight | None = next((m for m in insights.memories if m.name == name), None)
        if found is not None:
            return describe.memory(found, known), span
    return None


def _holds(outer: Span, inner: Span) -> bool:
    return outer.contains(inner.line, inner.column) and outer.contains(
        inner.end_line, inner.end_column
    )


def _width(span: Span) -> int:
    return span.end_column - span.column


# ---------------------------------------------------------------- rules and intrinsics


def _rule(source: SourceFile, line: int, column: int) -> tuple[str, Span] | None:
    from oxide_analyzer import rules

    word = _word(source, line, column, _RULE)
    if word is None or not _is_rule(source, word[0], line, column):
        return None
    rule = rules.find(word[0])
    if rule is None:
        return None
    text, page = first_section(rule.page()), page_path(rule.code)
    if page is not None:
        text = f"{text}\n\n[The whole page]({page.as_uri()})"
    return text, word[1]


def _is_rule(source: SourceFile, word: str, line: int, column: int) -> bool:
    """Whether a word is meant as one: in a suppression, or a number in any comment."""
    from oxide_analyzer import suppressions

    if _NUMBER.fullmatch(word) and "#" in source.line(line)[: column - 1]:
        return True
    return any(comment.span.contains(line, column) for comment in suppressions.find(source))


def first_section(page: str) -> str:
    """The title of a rule's page and its first section, without that section's heading."""
    title, *sections = re.split(r"^## .*$", page, flags=re.MULTILINE)
    first = sections[0].strip() if sections else ""
    return f"{title.strip()}\n\n{first}"


def _intrinsic(document: Document, line: int, column: int) -> tuple[str, Span] | None:
    from oxide_analyzer.language.builtins import lookup

    if not in_kernel_code(document, line, column):
        return None
    found = _word(document.source, line, column, _DOTTED)
    if found is None:
        return None
    word, span = found
    # Of `thread.index_1d` under the cursor's `thread`, only `thread` is meant.
    dot = word.find(".", column - span.column)
    name = word if dot < 0 else word[:dot]
    # The package may be written in front: `oxide.thread.x`, or `ox.thread.x`.
    for start in (0, name.find(".") + 1):
        builtin = lookup(name[start:])
        if builtin is not None:
            place = Span(span.path, line, span.column + start, line, span.column + len(name))
            return f"```python\n{builtin.signature}\n```\n\n{builtin.documentation}", place
    return None


def in_kernel_code(document: Document, line: int, column: int) -> bool:
    """Whether a name there may be one of the kernel language: elsewhere it is Python's."""
    text = document.source.line(line)
    if "#" in text[: column - 1]:
        return False
    if text.lstrip().startswith("@"):
        return True
    reading = document.file.reading()
    spans = [known.span for known in document.file.kernels()]
    for kernel in reading.kernels:
        spans += [function.span for function in kernel.functions]
    return any(span.path == document.source.path and span.contains(line, column) for span in spans)


def _word(
    source: SourceFile, line: int, column: int, pattern: re.Pattern[str]
) -> tuple[str, Span] | None:
    """The word that a place is in."""
    for found in pattern.finditer(source.line(line)):
        span = Span(source.path, line, found.start() + 1, line, found.end() + 1)
        if span.contains(line, column):
            return found[0], span
    return None
