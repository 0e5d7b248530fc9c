"""The code cells of a notebook as one source file, and the way back.

Names are shared by all cells, so a kernel is read with the cells above it, and its launches are
found in those below. The joined text has a comment in front of each cell, and Python for what is
IPython's alone (`magics`); every character of a cell keeps its column.

    cell 1     %matplotlib inline            1   #%% cell 1
               N = 4                         2   0                   #%% 0
    cell 2     k[1, N](a)                    3   N = 4
                                             4   #%% cell 2
                                             5   k[1, N](a)

The comments are what survives an edit: `edited` finds the cells by them in a changed text, and
gives the lines that were IPython's back. They begin with a mark that no cell contains.

Cells count from 1, code cells alone. One that belongs to another language is there as comments, so
that it keeps its number and its lines. So does one that does not parse: what is wrong with it is a
finding, and the other cells are read without it.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from dataclasses import replace
from functools import lru_cache
from typing import TYPE_CHECKING

from oxide_analyzer.notebooks import magics
from oxide_analyzer.notebooks.cells import Cell, JoinedSource
from oxide_analyzer.record import record
from oxide_analyzer.source import SourceFile, Span

if TYPE_CHECKING:
    from collections.abc import Sequence

    from oxide_analyzer.diagnostics import Diagnostic
    from oxide_analyzer.notebooks.magics import Line

_MARK = "#%%"
_BYTE_ORDER_MARK = "\ufeff"
_END = re.compile(r"\r\n|\n|\r")


@record
class Magic:
    """What stands in the joined text for something of IPython's: `python` for `text`."""

    indent: str
    python: str
    text: str


@record
class Notebook:
    """A notebook's code cells, the joined text, and what is wrong with cells that do not parse."""

    source: JoinedSource
    cells: tuple[Cell, ...]
    findings: tuple[Diagnostic, ...]
    mark: str
    magics: tuple[Magic, ...]

    @property
    def said(self) -> str:
        """What the cells say that are Python, or were meant to be."""
        return "\n".join(cell.text for cell in self.cells if not cell.is_foreign)

    def cell_at(self, line: int) -> Cell | None:
        """The cell in which a line of the joined text stands; None without cells.

        The comment in front of a cell counts as its first line, what follows the last cell as its.
        """
        index = bisect_right(self._starts(), line) - 1
        return self.cells[max(index, 0)] if self.cells else None

    def place(self, line: int) -> tuple[int, int]:
        """Cell and line in it of a line of the joined text."""
        cell = self.cell_at(line)
        return (1, line) if cell is None else (cell.number, max(line - cell.above, 1))

    def span(self, span: Span) -> Span:
        """A span of the joined text as one of the cell that it begins in."""
        cell = self.cell_at(span.line)
        if cell is None or span.path != self.source.path:
            return span
        line, end_line = span.line - cell.above, span.end_line - cell.above
        end_column = span.end_column
        line = max(line, 1)
        if end_line > len(cell.lines) > 0:
            # An edit that takes the last line with its end reaches over the end of the cell.
            end_line = len(cell.lines)
            end_column = len(cell.line(end_line)) + 1
        return Span(cell.path, line, span.column, max(end_line, line), end_column)

    def edited(self, text: str) -> tuple[str, ...]:
        """The cells as they are in a changed joined text, what is IPython's restored.

        Raises `ValueError` if cells or lines of IPython's are gone.
        """
        parts = re.split(rf"^{re.escape(self.mark)} cell \d+\n", text, flags=re.MULTILINE)
        if len(parts) != len(self.cells) + 1:
            raise ValueError("a change went over the end of a cell")
        # What was put in front of everything belongs to the first cell.
        if self.cells:
            parts[1:2] = [parts[0] + parts[1]]
        restored = 0
        found: list[str] = []
        for cell, part in zip(self.cells, parts[1:], strict=True):
            lines = [self._restored(line) for line in SourceFile("", part).lines]
            restored += sum(is_magic for _, is_magic in lines)
            new = "".join(line for line, _ in lines)
            if not cell.text.endswith(("\n", "\r")):
                new = new.removesuffix("\n")
            found.append(new)
        if restored != len(self.magics):
            raise ValueError("a change went over a line that is not Python")
        return tuple(found)

    def rejoined(self, text: str) -> Notebook:
        """The notebook with a changed joined text; raises `ValueError` as `edited` does."""
        if text == self.source.text:
            return self
        return join(
            self.source.path,
            self.edited(text),
            paths=[cell.path for cell in self.cells],
            foreign=frozenset(n for n, cell in enumerate(self.cells) if cell.is_foreign),
            mark=self.mark,
        )

    def _restored(self, line: str) -> tuple[str, bool]:
        head, mark, tail = line.partition(f"{self.mark} ")
        number = re.match(r"\d+", tail)
        if not mark or number is None:
            return line, False
        magic = self.magics[int(number[0])]
        # Behind the mark stands what was added, and the end of the line.
        rest = head[len(magic.indent) + len(magic.python) :].removesuffix("  ")
        return f"{magic.indent}{magic.text}{rest}{tail[number.end() :]}", True

    def _starts(self) -> list[int]:
        return [cell.above for cell in self.cells]


def join(
    path: str,
    texts: Sequence[str],
    *,
    paths: Sequence[str] = (),
    foreign: frozenset[int] = frozenset(),
    file_lines: Sequence[tuple[int, ...]] = (),
    mark: str = _MARK,
) -> Notebook:
    """The notebook of these code cells, in order; `foreign` are indices of those in no Python.

    `paths` name the cells in messages, else they are called `path:cell 1`.
    """
    while any(mark in text for text in texts):
        mark += "%"
    joined = _Joined(path, mark)
    for index, text in enumerate(texts):
        joined.add(
            paths[index] if paths else f"{path}:cell {index + 1}",
            text,
            is_foreign=index in foreign,
            file_lines=file_lines[index] if file_lines else (),
        )
    return joined.notebook()


class _Joined:
    """A joined text that is being made."""

    def __init__(self, path: str, mark: str) -> None:
        self._path = path
        self._mark = mark
        self._parts: list[str] = []
        self._height = 0
        self._cells: list[Cell] = []
        self._magics: list[Magic] = []
        self._findings: list[Diagnostic] = []

    def add(self, path: str, text: str, *, is_foreign: bool, file_lines: tuple[int, ...]) -> None:
        number = len(self._cells) + 1
        self._parts.append(f"{self._mark} cell {number}\n")
        self._height += 1
        cell = Cell(path, text, self._path, number, self._height, file_lines, is_foreign)
        self._cells.append(cell)
        lines, problem = (None, None) if is_foreign else _python(text)
        if problem is not None:
            span = problem.span
            place = replace(
                span,
                path=self._path,
                line=span.line + self._height,
                end_line=span.end_line + self._height,
            )
            self._findings.append(replace(problem, span=place))
        if lines is None:
            lines = [magics.Line(line.rstrip("\r\n"), hidden=True) for line in cell.lines]
        for line, whole in zip(lines, cell.lines, strict=True):
            self._line(line, whole[len(line.text) :] or "\n")
        self._height += len(cell.lines)

    def _line(self, line: Line, end: str) -> None:
        if line.is_python:
            self._parts.append(line.text + end)
            return
        shown, indent = line.shown, line.text[: line.start]
        token = f"{self._mark} {len(self._magics)}"
        if line.hidden:
            self._magics.append(Magic("", "", line.text))
            self._parts.append(f"{token}{end}")
            return
        width = max(line.end - line.start, len(line.python))
        self._magics.append(
            Magic(indent, line.python.ljust(width), line.text[line.start : line.end])
        )
        self._parts.append(f"{shown}  {token}{end}")

    def notebook(self) -> Notebook:
        ends = tuple(cell.last for cell in self._cells)
        source = JoinedSource(self._path, "".join(self._parts), ends)
        return Notebook(
            source, tuple(self._cells), tuple(self._findings), self._mark, tuple(self._magics)
        )


@lru_cache(maxsize=1024)
def _python(text: str) -> tuple[list[Line] | None, Diagnostic | None]:
    """The lines of a cell as Python; None for a cell of something else, or one that is wrong."""
    from oxide_analyzer.diagnostics import Diagnostic
    from oxide_analyzer.frontends.oxide.parsing import parse
    from oxide_analyzer.rules.ox001_syntax_error import RULE

    cell = SourceFile("", text)
    lines = [line.rstrip("\r\n") for line in cell.lines]
    found = parse(cell)
    if text.startswith(_BYTE_ORDER_MARK):
        # At the start of a file it is no character of it; a cell is no file.
        place = Span("", 1, 1, 1, 2)
        return None, RULE.diagnostic(place, "invalid non-printable character U+FEFF")
    if not isinstance(found, Diagnostic):
        return [magics.Line(line) for line in lines], None
    if magics.is_foreign(lines):
        return None, None
    problems: list[Diagnostic] = []
    for run in (True, False):
        translated = magics.translated(lines, run=run)
        ends = (whole[len(line) :] for whole, line in zip(cell.lines, lines, strict=True))
        python = "".join(line.shown + end for line, end in zip(translated, ends, strict=True))
        found = parse(SourceFile("", python))
        if not isinstance(found, Diagnostic):
            return translated, None
        problems.append(found)
    return None, problems[0]
