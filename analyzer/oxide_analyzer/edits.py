"""Fixes applied to the text of a file.

    out[i] = a[i]  # oxide: ignore[OX301] why        out[i] = a[i]
    fix: remove columns 14 to 42               ─►

Of each finding the first fix that may be applied is. Fixes are taken in the order of the findings;
one that touches what an earlier one changes waits for the next round, when its finding is made
anew. A fix is taken whole or not at all, and none after which the file would not parse.
"""

from __future__ import annotations

import ast
import warnings
from collections import Counter
from itertools import accumulate, pairwise
from typing import TYPE_CHECKING, TypeAlias

from oxide_analyzer.record import record
from oxide_analyzer.source import SourceFile

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from oxide_analyzer.diagnostics import Diagnostic, Edit, Fix
    from oxide_analyzer.source import Span


@record
class Applied:
    """A fix that was taken, and the finding that it was offered for."""

    diagnostic: Diagnostic
    fix: Fix


def fix(
    source: SourceFile, diagnostics: Iterable[Diagnostic], *, unsafe: bool
) -> tuple[SourceFile, tuple[Applied, ...]]:
    """The file with fixes for `diagnostics`, and which; `unsafe` fixes only if asked for."""
    taken: list[Edit] = []
    applied: list[Applied] = []
    for diagnostic in diagnostics:
        if diagnostic.suppressed is not None:
            continue
        chosen = _chosen(diagnostic, source.path, unsafe)
        if chosen is None or any(e in taken for e in chosen.edits):
            # What an earlier finding asked for as well is done once.
            continue
        edits = [*taken, *chosen.edits]
        if not _overlap(source, edits) and parses(apply(source, edits)):
            taken = edits
            applied.append(Applied(diagnostic, chosen))
    return SourceFile(source.path, apply(source, taken)), tuple(applied)


Aim: TypeAlias = tuple[str, str | None, str]


def useless(
    applied: Iterable[Applied],
    before: tuple[SourceFile, Iterable[Diagnostic]],
    after: tuple[SourceFile, Iterable[Diagnostic]],
) -> frozenset[Aim]:
    """What fixes aimed at and did not reach: as many findings of the kind are there as before.

    Such a fix would be offered again, and again: `int(x)`, `int(int(x))`. A finding is the same if
    its statement is, or if the same fix is offered for it.
    """
    old, new = _aims(*before), _aims(*after)
    return frozenset(
        title_of(each.diagnostic, each.fix)
        for each in applied
        for aim in _aims_of(before[0], each.diagnostic)
        if new[aim] >= old[aim]
    )


def title_of(diagnostic: Diagnostic, offered: Fix) -> Aim:
    """What tells a fix that is of no use from others."""
    return diagnostic.code, diagnostic.kernel, offered.title


def _aims(source: SourceFile, diagnostics: Iterable[Diagnostic]) -> Counter[Aim]:
    return Counter(aim for d in diagnostics for aim in _aims_of(source, d))


def _aims_of(source: SourceFile, diagnostic: Diagnostic) -> set[Aim]:
    from oxide_analyzer.fingerprints import fingerprint

    mark = f"statement {fingerprint(diagnostic, source)}"
    titles = {title_of(diagnostic, offered) for offered in diagnostic.fixes}
    return titles | {(diagnostic.code, diagnostic.kernel, mark)}


def apply(source: SourceFile, edits: Iterable[Edit]) -> str:
    """The text with edits that do not overlap; new lines end as those of the file do."""
    starts = _starts(source)
    newline = _newline(source)
    text = source.text
    placed = sorted(
        ((*_range(source, starts, edit.span), number, edit) for number, edit in enumerate(edits)),
        key=lambda entry: entry[:3],
    )
    parts: list[str] = []
    at = 0
    for start, end, _, edit in placed:
        parts.append(text[at:start])
        new = edit.text.replace("\r\n", "\n").replace("\n", newline)
        if new and edit.span.line > len(source.lines) and not text.endswith(("\n", "\r")):
            # What goes behind the last line needs that line to end.
            new = newline + new.removesuffix(newline)
        parts.append(new)
        at = end
    return "".join([*parts, text[at:]])


def parses(text: str) -> bool:
    """Whether the text is Python."""
    return tree(text) is not None


def tree(text: str) -> ast.Module | None:
    """The syntax tree, None if the text is not Python."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return ast.parse(text)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return None


def _chosen(diagnostic: Diagnostic, path: str, unsafe: bool) -> Fix | None:
    """The first fix that may be applied, and that changes no other file."""
    return next(
        (
            offered
            for offered in diagnostic.fixes
            if (unsafe or offered.safe)
            and offered.edits
            and all(edit.span.path == path for edit in offered.edits)
        ),
        None,
    )


def _overlap(source: SourceFile, edits: Sequence[Edit]) -> bool:
    """Whether two of them change one character, or insert at one place."""
    starts = _starts(source)
    ranges = sorted(_range(source, starts, edit.span) for edit in edits)
    return any(second[0] < first[1] or second[0] == first[0] for first, second in pairwise(ranges))


def _starts(source: SourceFile) -> list[int]:
    """Where each line starts in the text, and where the text ends."""
    return [0, *accumulate(len(line) for line in source.lines)]


def _range(source: SourceFile, starts: list[int], span: Span) -> tuple[int, int]:
    first = _offset(source, starts, span.line, span.column)
    return first, max(first, _offset(source, starts, span.end_line, span.end_column))


def _offset(source: SourceFile, starts: list[int], line: int, column: int) -> int:
    if line > len(source.lines):
        return len(source.text)
    return starts[line - 1] + min(column - 1, len(source.line(line)))


def _newline(source: SourceFile) -> str:
    """How most lines of the file end."""
    ends = [line[len(line.rstrip("\r\n")) :] for line in source.lines]
    found = [ends.count(end) for end in ("\n", "\r\n", "\r")]
    return ("\n", "\r\n", "\r")[found.index(max(found))]
