"""Places as other programs want them: paths from the folder that the run stands for, with slashes.

A place in a cell of a notebook is, to who knows files alone, a place in the notebook's file.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from oxide_analyzer.notebooks.cells import Cell
from oxide_analyzer.record import record

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from oxide_analyzer.source import SourceFile, Span


@record
class FilePlace:
    """A file, the lines in it, and the code cell that they are of, if it is a notebook."""

    path: str
    line: int
    end_line: int
    cell: int | None


def file_place(span: Span, sources: Mapping[str, SourceFile]) -> FilePlace:
    """Where a span stands on disk; `sources` holds the cells of notebooks by their paths."""
    source = sources.get(span.path)
    if not isinstance(source, Cell):
        return FilePlace(span.path, span.line, span.end_line, None)
    return FilePlace(
        source.notebook,
        source.file_line(span.line),
        source.file_line(span.end_line),
        source.number,
    )


def below(path: str, root: Path) -> str | None:
    """The path from `root`, with slashes; None if it leads elsewhere, or is standard input."""
    if path == "-":
        return None
    try:
        inner = os.path.relpath(path, root)
    except ValueError:
        # Another drive.
        return None
    inner = inner.replace(os.sep, "/")
    return None if inner == ".." or inner.startswith("../") else inner


def shown(path: str, root: Path) -> str:
    """The path from `root` where it lies below it, else as it was given."""
    return below(path, root) or path
