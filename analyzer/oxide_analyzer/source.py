"""Source files and places in them.

The only module that knows that `ast` counts columns in UTF-8 bytes: everything else counts
lines and columns from 1, columns in characters, ends exclusive.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cached_property
from operator import attrgetter
from typing import Protocol

from oxide_analyzer.record import record

# Python's tokenizer ends a line at \n, \r\n and \r only; `str.splitlines` also splits at form
# feeds and Unicode separators, which would shift every place below them.
_LINES = re.compile(r"[^\r\n]*(?:\r\n|\n|\r)|[^\r\n]+")


class Located(Protocol):
    """What every placed node of `ast` has."""

    @property
    def lineno(self) -> int: ...  # noqa: D102
    @property
    def col_offset(self) -> int: ...  # noqa: D102
    @property
    def end_lineno(self) -> int | None: ...  # noqa: D102
    @property
    def end_col_offset(self) -> int | None: ...  # noqa: D102


@record
class Span:
    """A half-open stretch of one file; lines and columns from 1, columns in characters."""

    path: str
    line: int
    column: int
    end_line: int
    end_column: int

    def __lt__(self, other: Span) -> bool:
        """Whether it comes first in a list of findings."""
        return _place(self) < _place(other)

    def __str__(self) -> str:
        return f"{self.path}:{self.line}:{self.column}"

    def start(self) -> Span:
        """The empty span in front of this one: where an insertion goes."""
        return Span(self.path, self.line, self.column, self.line, self.column)

    def end(self) -> Span:
        """The empty span behind this one."""
        return Span(self.path, self.end_line, self.end_column, self.end_line, self.end_column)

    def contains(self, line: int, column: int) -> bool:
        """Whether the place (from 1) lies inside; the end itself counts as inside."""
        return (self.line, self.column) <= (line, column) <= (self.end_line, self.end_column)


_place = attrgetter("path", "line", "column", "end_line", "end_column")


@dataclass(frozen=True)
class SourceFile:
    """The text of one file and the path by which diagnostics name it."""

    path: str
    text: str

    @cached_property
    def lines(self) -> tuple[str, ...]:
        """Lines with their ends, split where Python's tokenizer splits."""
        return tuple(_LINES.findall(self.text))

    @cached_property
    def _wide(self) -> frozenset[int]:
        """Lines on which a byte offset is not a column; places are made by the thousand."""
        if self.text.isascii():
            return frozenset()
        return frozenset(n for n, line in enumerate(self.lines, 1) if not line.isascii())

    def line(self, number: int) -> str:
        """Line `number` (from 1) without its end, or an empty string past the last."""
        if 1 <= number <= len(self.lines):
            return self.lines[number - 1].rstrip("\r\n")
        return ""

    def column(self, line: int, byte_offset: int) -> int:
        """Character column (from 1) of a UTF-8 byte offset (from 0) in `line`."""
        text = self.line(line)
        if text.isascii():
            return byte_offset + 1
        return len(text.encode()[:byte_offset].decode(errors="ignore")) + 1

    def span(self, node: Located) -> Span:
        """The place of an `ast` node."""
        end_line = node.end_lineno if node.end_lineno is not None else node.lineno
        wide = self._wide
        if node.lineno not in wide and end_line not in wide and node.end_col_offset is not None:
            return Span(
                self.path, node.lineno, node.col_offset + 1, end_line, node.end_col_offset + 1
            )
        end_byte = node.end_col_offset if node.end_col_offset is not None else node.col_offset
        return Span(
            self.path,
            node.lineno,
            self.column(node.lineno, node.col_offset),
            end_line,
            self.column(end_line, end_byte),
        )

    def text_of(self, node: Located) -> str:
        """The lines of an `ast` node, from the first to the last, whole and with their ends."""
        return "".join(self.lines[node.lineno - 1 : node.end_lineno])

    def extract(self, span: Span) -> str:
        """The text that `span` covers."""
        if span.line == span.end_line:
            return self.line(span.line)[span.column - 1 : span.end_column - 1]
        first = self.line(span.line)[span.column - 1 :]
        middle = [self.line(n) for n in range(span.line + 1, span.end_line)]
        last = self.line(span.end_line)[: span.end_column - 1]
        return "\n".join([first, *middle, last])
