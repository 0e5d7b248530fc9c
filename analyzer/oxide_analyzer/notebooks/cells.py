"""The files that a notebook stands for: each of its code cells, and all of them joined."""

from __future__ import annotations

from dataclasses import dataclass

from oxide_analyzer.source import SourceFile


@dataclass(frozen=True)
class Cell(SourceFile):
    """One code cell as a file of its own: its number, and the notebook that it is in.

    `above` is how many lines of the joined text stand above its first line; `file_lines` are the
    lines of the notebook's file on which its lines stand, as far as it has one.
    """

    notebook: str = ""
    number: int = 1
    above: int = 0
    file_lines: tuple[int, ...] = ()
    is_foreign: bool = False

    @property
    def last(self) -> int:
        """The last line of the joined text that belongs to the cell."""
        return self.above + len(self.lines)

    def file_line(self, line: int) -> int:
        """Where a line of the cell stands in the notebook's file."""
        if not self.file_lines:
            return line
        return self.file_lines[min(line, len(self.file_lines)) - 1]


@dataclass(frozen=True)
class JoinedSource(SourceFile):
    """The joined text. `ends` are the last lines of its cells."""

    ends: tuple[int, ...] = ()
