"""The statements of a kernel's source, by the places that findings speak of.

The IR has no lines that could be moved, only places in them; so a fix finds the statement of the
source round such a place.

    tile[t] = (                 the whole statement, from `tile` to `)`, is found by the place of
        a[i]                    `a[i]`; it stands in the body of the kernel
    )
"""

from __future__ import annotations

import ast
import warnings
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from oxide_analyzer.diagnostics import Edit
from oxide_analyzer.source import SourceFile, Span

if TYPE_CHECKING:
    from collections.abc import Iterator

    from oxide_analyzer.ir.kernel import Kernel


_LONGEST = 48


@dataclass(frozen=True, slots=True)
class Written:
    """One statement: its node and place, and the statements round it, the function first.

    `body` is the block that it stands in, of which it is number `index`.
    """

    node: ast.stmt
    span: Span
    around: tuple[ast.stmt, ...]
    body: tuple[ast.stmt, ...]
    index: int


@dataclass(slots=True)
class Outline:
    """The statements of one kernel; none if its lines are not known or it is indented by tabs."""

    source: SourceFile
    statements: list[Written] = field(default_factory=list[Written])

    def at(self, span: Span) -> Written | None:
        """The innermost statement that a place lies in."""
        found: Written | None = None
        for written in self.statements:
            own = written.span
            if (
                span.path == own.path
                and (own.line, own.column) <= (span.line, span.column)
                and (span.end_line, span.end_column) <= (own.end_line, own.end_column)
            ):
                found = written
        return found

    def text(self, node: ast.expr) -> str:
        """An expression as it is written."""
        return self.source.extract(self.source.span(node))

    def head(self, written: Written) -> str:
        """How a statement begins, for who is to know it; lines may have other numbers by then."""
        span = written.span
        end = len(self.source.line(span.line)) + 1 if span.end_line > span.line else span.end_column
        text = self.source.line(span.line)[span.column - 1 : end - 1].split("#")[0].rstrip()
        return text if len(text) <= _LONGEST else f"{text[:_LONGEST].rstrip()}…"

    def stands_alone(self, written: Written) -> bool:
        """Whether nothing else is on the lines of a statement."""
        span = written.span
        before = self.source.line(span.line)[: span.column - 1]
        after = self.source.line(span.end_line)[span.end_column - 1 :].strip()
        return not before.strip() and (not after or after.startswith("#"))

    def indent(self, written: Written) -> str:
        """What stands in front of a statement that stands alone."""
        return self.source.line(written.span.line)[: written.span.column - 1]

    def above(self, written: Written, line: str) -> Edit:
        """Another line in front of a statement that stands alone."""
        start = Span(written.span.path, written.span.line, 1, written.span.line, 1)
        return Edit(start, f"{self.indent(written)}{line}\n")

    def below(self, written: Written, line: str) -> Edit:
        """Another line behind a statement that stands alone, at its indentation."""
        end = written.span.end_line + 1
        return Edit(Span(written.span.path, end, 1, end, 1), f"{self.indent(written)}{line}\n")

    def gone(self, written: Written) -> Edit:
        """Without a statement that stands alone: its lines, or `pass` where nothing else is."""
        span = written.span
        if len(written.body) == 1:
            return Edit(span, "pass")
        return Edit(Span(span.path, span.line, 1, span.end_line + 1, 1), "")


def outline(kernel: Kernel) -> Outline:
    """The statements of the source of a kernel, in its order, outer before inner."""
    text, line = kernel.text, kernel.span.line
    if not text or "\t" in text or "\f" in text:
        return Outline(SourceFile(kernel.path, ""))
    indented = text[:1].isspace()
    if indented and line < 2:
        return Outline(SourceFile(kernel.path, ""))
    # The function alone, on its own lines; one inside of something stands inside of something.
    above = "\n" * (line - 2) + "if True:\n" if indented else "\n" * (line - 1)
    source = SourceFile(kernel.path, above + text)
    found = Outline(source)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            tree = ast.parse(source.text)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return found
    function = next((n for n in ast.walk(tree) if isinstance(n, ast.FunctionDef)), None)
    if function is not None:
        found.statements.extend(_inside(source, function, (function,)))
    return found


def _inside(source: SourceFile, node: ast.stmt, around: tuple[ast.stmt, ...]) -> Iterator[Written]:
    for name in ("body", "orelse", "finalbody"):
        body: object = getattr(node, name, None)
        if not isinstance(body, list):
            continue
        statements = tuple(one for one in body if isinstance(one, ast.stmt))
        for index, one in enumerate(statements):
            yield Written(one, source.span(one), around, statements, index)
            yield from _inside(source, one, (*around, one))
    if isinstance(node, ast.Match):
        for case in node.cases:
            for index, one in enumerate(case.body):
                yield Written(one, source.span(one), around, tuple(case.body), index)
                yield from _inside(source, one, (*around, one))
