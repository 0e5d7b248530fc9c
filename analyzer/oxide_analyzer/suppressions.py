"""Suppression comments: `# oxide: ignore[OX104, read-write-race] reason`.

A comment speaks of the logical line that it stands on: the physical line, or, where a statement
goes over several lines, any of them.

    out[i] = combine(  # oxide: ignore[OX102] the host launches one thread
        a[i],
    )

On the line of a kernel's `def` it speaks of the whole kernel, and alone on a line above the first
statement of the file (its docstring may stand before it) of the whole file.

A comment without a reason hides nothing and is itself a finding, as is one that names no rule
that there is, and one that hides nothing. Comments are found by the tokenizer, so the same words
inside a string mean nothing.
"""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING

from oxide_analyzer.diagnostics import Edit
from oxide_analyzer.record import record
from oxide_analyzer.rules import RULES, nearest
from oxide_analyzer.rules.ox701_unused_suppression import unused_suppression
from oxide_analyzer.rules.ox704_suppression_without_reason import suppression_without_reason
from oxide_analyzer.rules.ox705_unknown_rule_in_suppression import unknown_rule
from oxide_analyzer.source import Span

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping, Sequence

    from oxide_analyzer.diagnostics import Diagnostic
    from oxide_analyzer.source import SourceFile

# The reason ends where another comment begins; `#12` inside it is part of it.
_RULE = re.compile(r"[^\s,]+(?:[ \t]+[^\s,]+)*")
_IGNORE = re.compile(r"#\s*oxide:\s*ignore\[(?P<rules>[^\]]*)\](?P<reason>(?:(?!#\s).)*)")


@record
class Suppression:
    """One comment: what it names, why, where it stands, and the lines that it speaks of.

    `rules` are in lower case; `places` are where each of them stands. One of a whole file
    `is_header`.
    """

    rules: tuple[str, ...]
    reason: str
    span: Span
    first_line: int
    last_line: int
    places: tuple[Span, ...] = ()
    is_header: bool = False

    def hides(self, diagnostic: Diagnostic) -> bool:
        """Whether `diagnostic` starts on its lines and is named, and there is a reason."""
        return (
            bool(self.reason)
            and diagnostic.span.path == self.span.path
            and self.first_line <= diagnostic.span.line <= self.last_line
            and bool(self.naming(diagnostic))
        )

    def naming(self, diagnostic: Diagnostic) -> set[str]:
        """By which of its rules it names `diagnostic`."""
        return {diagnostic.code.lower(), diagnostic.name} & set(self.rules)


def find(source: SourceFile, kernels: Sequence[Span] = ()) -> tuple[Suppression, ...]:
    """The suppression comments of a file with these kernels, in order."""
    # Tokenizing costs more than everything else here, and few files have such a comment.
    if "oxide:" not in source.text:
        return ()
    return tuple(_widened(source, comment, kernels) for comment in _suppressions(source))


def _widened(source: SourceFile, comment: Suppression, kernels: Sequence[Span]) -> Suppression:
    """The comment with all lines that it speaks of."""
    if comment.is_header:
        return replace(comment, first_line=1, last_line=len(source.lines))
    own = [k for k in kernels if comment.first_line <= k.line <= comment.last_line]
    if not own:
        return comment
    return replace(comment, last_line=max(kernel.end_line for kernel in own))


def apply(
    source: SourceFile,
    diagnostics: tuple[Diagnostic, ...],
    others: Mapping[str, SourceFile] | None = None,
    judged: Sequence[Span] = (),
    kernels: Sequence[Span] = (),
) -> tuple[Diagnostic, ...]:
    """The same findings, those marked that a comment hides, with those about the comments.

    `others` are the files that `source` imports from: what is found in a helper of theirs is hidden
    by a comment there. `kernels` are where kernels of `source` stand, and `judged` those of them
    whose findings are all among `diagnostics`, so that a comment in them which hides nothing is one
    of OX701. Sorted by place and number. A finding about a comment cannot itself be hidden.
    """
    comments = {source.path: find(source, kernels)}
    kept: list[Diagnostic] = []
    used: set[tuple[Span, str]] = set()
    for diagnostic in diagnostics:
        path = diagnostic.span.path
        if path not in comments:
            other = (others or {}).get(path)
            comments[path] = () if other is None else find(other)
        hiding = [s for s in comments[path] if s.hides(diagnostic)]
        if hiding:
            used |= {(s.span, rule) for s in hiding for rule in s.naming(diagnostic)}
            diagnostic = diagnostic.suppress(hiding[0].reason)  # noqa: PLW2901
        kept.append(diagnostic)
    for suppression in comments[source.path]:
        if suppression.is_header:
            is_judged = bool(kernels) and len(judged) == len(kernels)
        else:
            line = suppression.span.line
            is_judged = any(span.line <= line <= span.end_line for span in judged)
        kept += _about(source, suppression, used, is_judged=is_judged)
    return tuple(sorted(kept, key=lambda d: (d.span, d.code, d.message)))


def _about(
    source: SourceFile,
    suppression: Suppression,
    used: set[tuple[Span, str]],
    *,
    is_judged: bool,
) -> Iterator[Diagnostic]:
    """What is wrong with a comment itself."""
    span = suppression.span
    if not suppression.reason:
        yield suppression_without_reason(span, tuple(_shown(rule) for rule in suppression.rules))
    known = {rule.code.lower() for rule in RULES} | {rule.name for rule in RULES}
    for rule, place in zip(suppression.rules, suppression.places, strict=True):
        if rule not in known:
            yield unknown_rule(place, source.extract(place), nearest(rule))
    if not suppression.reason or not is_judged:
        return
    idle = tuple(r for r in suppression.rules if r in known and (span, r) not in used)
    if idle:
        edit = removal(source, suppression, idle)
        whole = set(idle) == set(suppression.rules)
        yield unused_suppression(span, tuple(_shown(rule) for rule in idle), edit, whole)


def removal(source: SourceFile, suppression: Suppression, rules: Collection[str]) -> Edit:
    """The edit that takes `rules` out of a comment, and the comment away if it names no other."""
    span, places = suppression.span, suppression.places
    kept = [
        source.extract(place)
        for rule, place in zip(suppression.rules, places, strict=True)
        if rule not in rules
    ]
    if kept:
        inside = replace(places[0], end_column=places[-1].end_column)
        return Edit(inside, ", ".join(kept))
    line = source.line(span.line)
    before, after = line[: span.column - 1].rstrip(), line[span.end_column - 1 :].strip()
    if before or after:
        start = len(before) + 1 if not after else span.column
        end = len(line) + 1 if not after else len(line) - len(after) + 1
        return Edit(Span(source.path, span.line, start, span.line, end), "")
    # A comment that stood alone takes its line with it.
    return Edit(Span(source.path, span.line, 1, span.line + 1, 1), "")


def _shown(rule: str) -> str:
    return rule.upper() if re.fullmatch(r"ox\d+", rule) else rule


def _suppressions(source: SourceFile) -> Iterator[Suppression]:
    for line, column, text, first, last, is_header in _comments(source):
        for match in _IGNORE.finditer(text):
            named = list(_RULE.finditer(match["rules"]))
            start = column + match.start()
            end = column + match.start() + len(match[0].rstrip())
            inside = column + match.start("rules")
            places = tuple(
                Span(source.path, line, inside + rule.start(), line, inside + rule.end())
                for rule in named
            )
            if named:
                yield Suppression(
                    tuple(rule[0].lower() for rule in named),
                    match["reason"].strip(" \t\r\n:-—"),
                    Span(source.path, line, start, line, end),
                    first,
                    last,
                    places,
                    is_header,
                )


def _comments(source: SourceFile) -> Iterator[tuple[int, int, str, int, int, bool]]:
    """Every comment: line, column, text, first and last line of its logical line, and whether it
    stands alone above the first statement."""
    import tokenize

    pending: list[tuple[int, int, str]] = []
    first = number = 0
    # A docstring is a statement that is a string alone.
    above, is_string = True, True
    lines = iter(source.lines)
    try:
        for token in tokenize.generate_tokens(lambda: next(lines, "")):
            if token.type == tokenize.COMMENT:
                pending.append((token.start[0], token.start[1] + 1, token.string))
            elif token.type == tokenize.NEWLINE:
                last = token.start[0]
                yield from ((*comment, first or comment[0], last, False) for comment in pending)
                number += 1
                above = above and number == 1 and is_string
                pending, first, is_string = [], 0, True
            elif token.type == tokenize.NL:
                # Inside a statement NL only breaks the line; outside, a comment stands alone.
                if not first:
                    yield from ((*comment, comment[0], comment[0], above) for comment in pending)
                    pending = []
            elif token.type not in (tokenize.INDENT, tokenize.DEDENT, tokenize.ENDMARKER):
                first = first or token.start[0]
                is_string = is_string and token.type == tokenize.STRING
    except (tokenize.TokenError, SyntaxError):
        # The file does not parse from here on; what was read before still counts.
        yield from ((*comment, comment[0], comment[0], False) for comment in pending)
