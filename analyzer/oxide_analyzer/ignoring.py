"""Suppression comments written for findings.

    out[i] = a[i]                        out[i] = a[i]  # oxide: ignore[OX301] reason
    x = f(  # oxide: ignore[OX101] one   x = f(  # oxide: ignore[OX101, OX302] one; reason

    # oxide: ignore[OX402] reason        above everything, for the file
    def f(a):  # oxide: ignore[OX301]    for the kernel

The comment goes to the end of the line that the finding stands on, or, where that line ends inside
of a string or is continued by a backslash, to the last line of its statement. A comment that is
there already is extended. Comments do not change a syntax tree, and it is looked at whether
they did: a file in which they would is left as it is.
"""

from __future__ import annotations

import ast
import io
import re
import tokenize
from enum import StrEnum
from typing import TYPE_CHECKING

from oxide_analyzer import edits, suppressions
from oxide_analyzer.diagnostics import Edit
from oxide_analyzer.record import record
from oxide_analyzer.source import SourceFile, Span

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from oxide_analyzer.diagnostics import Diagnostic
    from oxide_analyzer.suppressions import Suppression

# A file that does not parse, a comment about comments and a bug in Oxide cannot be talked away.
_NEVER = re.compile("OX001|OX7..|OX999")


@record
class Added:
    """The text with comments, and how many findings they suppress."""

    source: SourceFile
    number: int


def add(source: SourceFile, diagnostics: Sequence[Diagnostic], reason: str) -> Added | None:
    """Comments for the findings that stand in `source`; None if it cannot take them."""
    tree = edits.tree(source.text)
    if tree is None:
        return None
    # A line end in the reason would end the comment, and a `#` the reason.
    reason = " ".join(reason.replace("#", " ").split())
    ends = dict(_ends(source))
    wanted: dict[int, list[str]] = {}
    number = 0
    for diagnostic in diagnostics:
        line = ends.get(diagnostic.span.line)
        if line is None or _NEVER.fullmatch(diagnostic.code):
            continue
        codes = wanted.setdefault(line, [])
        codes += [diagnostic.code] if diagnostic.code not in codes else []
        number += 1
    there = {s.span.line: s for s in suppressions.find(source)}
    changes = [
        _comment(source, line, codes, reason, there.get(line))
        for line, codes in sorted(wanted.items())
    ]
    new = SourceFile(source.path, edits.apply(source, changes))
    after = edits.tree(new.text)
    if after is None or ast.dump(after) != ast.dump(tree):
        return None
    return Added(new, number)


class Extent(StrEnum):
    """How much a comment speaks of."""

    LINE = "line"
    KERNEL = "kernel"
    FILE = "file"


def hiding(
    source: SourceFile, diagnostic: Diagnostic, extent: Extent, kernel: Span | None, reason: str
) -> Edit | None:
    """The comment that hides a finding, or its number in one that is there already.

    `kernel` is where the finding's kernel stands. None where a comment would change the meaning of
    the file, or cannot be.
    """
    tree = edits.tree(source.text)
    if tree is None or _NEVER.fullmatch(diagnostic.code):
        return None
    there = suppressions.find(source)
    if extent is Extent.FILE:
        own = next((s for s in there if s.is_header), None)
        line = _below_shebang(source)
        edit = Edit(
            Span(source.path, line, 1, line, 1), f"# oxide: ignore[{diagnostic.code}] {reason}\n"
        )
    else:
        at = diagnostic.span if extent is Extent.LINE else kernel
        found = dict(_ends(source)).get(at.line) if at is not None else None
        if found is None:
            return None
        own = next((s for s in there if s.span.line == found), None)
        edit = _comment(source, found, [diagnostic.code], reason, None)
    if own is not None:
        place = own.places[-1]
        end = Span(place.path, place.line, place.end_column, place.line, place.end_column)
        edit = Edit(end, f", {diagnostic.code}")
    after = edits.tree(edits.apply(source, [edit]))
    return edit if after is not None and ast.dump(after) == ast.dump(tree) else None


def _below_shebang(source: SourceFile) -> int:
    """The first line that may be a comment like any other: an encoding stands on line 1 or 2."""
    line = 1
    while line <= 2 and re.match(r"#!|#.*coding[:=]", source.line(line)):
        line += 1
    return line


def _comment(
    source: SourceFile, line: int, codes: list[str], reason: str, there: Suppression | None
) -> Edit:
    if there is None:
        text = source.line(line)
        end = len(text.rstrip()) + 1
        span = Span(source.path, line, end, line, len(text) + 1)
        return Edit(span, f"  # oxide: ignore[{', '.join(sorted(codes))}] {reason}")
    named = [source.extract(place) for place in there.places]
    named += [code for code in sorted(codes) if code.lower() not in there.rules]
    why = there.reason
    if reason not in why:
        why = f"{why}; {reason}" if why else reason
    return Edit(there.span, f"# oxide: ignore[{', '.join(named)}] {why}")


def _ends(source: SourceFile) -> Iterator[tuple[int, int]]:
    """For each line of a statement the line behind which a comment may stand: itself, or the last.

    A comment inside of a string would be text, and behind a backslash an error.
    """
    closed = set(range(1, len(source.lines) + 1))
    closed -= {n for n in closed if source.line(n).endswith("\\")}
    first = 0
    try:
        for token in tokenize.generate_tokens(io.StringIO(source.text, newline="").readline):
            if token.type in (tokenize.INDENT, tokenize.DEDENT, tokenize.NL, tokenize.COMMENT):
                continue
            first = first or token.start[0]
            if token.start[0] < token.end[0]:
                # A string over several lines; f-strings are checked by the tree at the end.
                closed -= set(range(token.start[0], token.end[0]))
            if token.type == tokenize.NEWLINE:
                last = token.start[0]
                yield from ((n, n if n in closed else last) for n in range(first, last + 1))
                first = 0
    except (tokenize.TokenError, SyntaxError):
        # The tree was made, so this is a file that the tokenizer reads otherwise: none of the
        # rest gets a comment.
        return
