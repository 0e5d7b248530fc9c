"""Suppression comments: `# oxide: ignore[OX104, read-write-race] reason`.

A comment speaks of the logical line that it stands on: the physical line, or, where a statement
goes over several lines, any of them.

    out[i] = combine(  # oxide: ignore[OX102] the host launches one thread
        a[i],
    )

A comment without a reason hides nothing and is itself a finding. Comments are found by the
tokenizer, so the same words inside a string mean nothing.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from oxide_analyzer.record import record
from oxide_analyzer.rules.ox704_suppression_without_reason import suppression_without_reason
from oxide_analyzer.source import Span

if TYPE_CHECKING:
    from collections.abc import Iterator

    from oxide_analyzer.diagnostics import Diagnostic
    from oxide_analyzer.source import SourceFile

# The reason ends where another comment begins; `#12` inside it is part of it.
_IGNORE = re.compile(r"#\s*oxide:\s*ignore\[(?P<rules>[^\]]*)\](?P<reason>(?:(?!#\s).)*)")


@record
class Suppression:
    """One comment: what it names, why, where it stands, and the lines that it speaks of."""

    rules: tuple[str, ...]
    reason: str
    span: Span
    first_line: int
    last_line: int

    def hides(self, diagnostic: Diagnostic) -> bool:
        """Whether `diagnostic` starts on its lines and is named, and there is a reason."""
        return (
            bool(self.reason)
            and self.first_line <= diagnostic.span.line <= self.last_line
            and (diagnostic.code.lower() in self.rules or diagnostic.name in self.rules)
        )


def find(source: SourceFile) -> tuple[Suppression, ...]:
    """The suppression comments of a file, in order."""
    # Tokenizing costs more than everything else here, and few files have such a comment.
    if "oxide:" not in source.text:
        return ()
    return tuple(_suppressions(source))


def apply(source: SourceFile, diagnostics: tuple[Diagnostic, ...]) -> tuple[Diagnostic, ...]:
    """The same findings, those marked that a comment hides, with those about the comments.

    Sorted by place and number. A finding about a comment cannot itself be hidden.
    """
    suppressions = find(source)
    kept = [_suppress(diagnostic, suppressions) for diagnostic in diagnostics]
    kept += [
        suppression_without_reason(s.span, tuple(_shown(rule) for rule in s.rules))
        for s in suppressions
        if not s.reason
    ]
    return tuple(sorted(kept, key=lambda d: (d.span, d.code, d.message)))


def _suppress(diagnostic: Diagnostic, suppressions: tuple[Suppression, ...]) -> Diagnostic:
    for suppression in suppressions:
        if suppression.hides(diagnostic):
            return diagnostic.suppress(suppression.reason)
    return diagnostic


def _shown(rule: str) -> str:
    return rule.upper() if re.fullmatch(r"ox\d+", rule) else rule


def _suppressions(source: SourceFile) -> Iterator[Suppression]:
    for line, column, text, first, last in _comments(source):
        for match in _IGNORE.finditer(text):
            rules = tuple(r.strip().lower() for r in match["rules"].split(",") if r.strip())
            start = column + match.start()
            end = column + match.start() + len(match[0].rstrip())
            span = Span(source.path, line, start, line, end)
            if rules:
                yield Suppression(rules, match["reason"].strip(" \t\r\n:-—"), span, first, last)


def _comments(source: SourceFile) -> Iterator[tuple[int, int, str, int, int]]:
    """Every comment: line, column, text, first and last line of its logical line."""
    import tokenize

    pending: list[tuple[int, int, str]] = []
    first = 0
    lines = iter(source.lines)
    try:
        for token in tokenize.generate_tokens(lambda: next(lines, "")):
            if token.type == tokenize.COMMENT:
                pending.append((token.start[0], token.start[1] + 1, token.string))
            elif token.type == tokenize.NEWLINE:
                last = token.start[0]
                yield from ((*comment, first or comment[0], last) for comment in pending)
                pending, first = [], 0
            elif token.type == tokenize.NL:
                # Inside a statement NL only breaks the line; outside, a comment stands alone.
                if not first:
                    yield from ((*comment, comment[0], comment[0]) for comment in pending)
                    pending = []
            elif token.type not in (tokenize.INDENT, tokenize.DEDENT, tokenize.ENDMARKER):
                first = first or token.start[0]
    except (tokenize.TokenError, SyntaxError):
        # The file does not parse from here on; what was read before still counts.
        yield from ((*comment, comment[0], comment[0]) for comment in pending)
