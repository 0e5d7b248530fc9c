"""A source frame: numbered lines of one file with the stretches that matter underlined.

    12 |     if t < stride:
    13 |         tile[t] += tile[t + stride]
       |         ^^^^^^^ thread 0 of block 0 writes
       |                    ---------------- thread 32 of block 0 reads
    14 |     stride //= 2

Columns of the terminal are not characters of the source: tabs are four columns, East Asian wide
characters two, combining characters none. A long line is shown through a window.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from oxide_analyzer.record import record
from oxide_analyzer.reports.style import Style

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from oxide_analyzer.reports.style import Paint
    from oxide_analyzer.source import SourceFile, Span

_CONTEXT = 1
_TAB = 4
_WINDOW = 160
_LEFT_OF_LABEL = 40

# C0, DEL, C1, and the marks that reorder text: none of them may reach a terminal.
_UNPRINTABLE = re.compile("[\x00-\x08\x0a-\x1f\x7f-\x9f\u200e\u200f\u202a-\u202e\u2066-\u2069]")


@record
class Label:
    """A stretch to underline with `mark`, and what to say about it."""

    span: Span
    text: str
    mark: str
    style: Style


def printable(text: str) -> str:
    """`text` with what would steer a terminal replaced by a visible mark."""
    return _UNPRINTABLE.sub("�", text)


def gutter_width(labels: Sequence[Label]) -> int:
    """How wide the line numbers of a frame of these labels can get."""
    return len(str(max(label.span.line + _CONTEXT for label in labels)))


def frame(source: SourceFile, labels: Sequence[Label], width: int, paint: Paint) -> Iterator[str]:
    """The lines of the frame; line numbers are `width` columns wide."""
    bar = paint(f"{' ' * width} |", Style.GUTTER)
    yield bar
    previous = None
    for number in _shown_lines(source, labels):
        if previous is not None and number > previous + 1:
            yield paint("...", Style.GUTTER)
        previous = number
        here = sorted(
            (label for label in labels if label.span.line == number),
            key=lambda label: (label.mark != "^", label.span.column),
        )
        yield from _line(
            source.line(number), here, paint(f"{number:>{width}} |", Style.GUTTER), bar, paint
        )
    yield bar


def _shown_lines(source: SourceFile, labels: Sequence[Label]) -> list[int]:
    labelled = {label.span.line for label in labels}
    near = {
        number
        for line in labelled
        for number in range(line - _CONTEXT, line + _CONTEXT + 1)
        if number in labelled or 1 <= number <= len(source.lines)
    }
    # A blank line at the edge of the context says nothing; one between two others keeps them apart.
    blank = {line for line in near - labelled if not source.line(line).strip()}
    return sorted(near - {line for line in blank if not {line - 1, line + 1} <= near})


def _line(text: str, labels: Sequence[Label], gutter: str, bar: str, paint: Paint) -> Iterator[str]:
    columns = _columns(text)
    start = 0
    if columns[-1] > _WINDOW and labels:
        first = columns[min(labels[0].span.column - 1, len(text))]
        start = max(0, first - _LEFT_OF_LABEL)
    shown = printable(_expand(text))
    if columns[-1] > start + _WINDOW:
        shown = shown[: start + _WINDOW] + "…"
    if start:
        shown = "…" + shown[start + 1 :]
    yield f"{gutter} {shown}".rstrip()
    for label in labels:
        span = label.span
        first = columns[min(span.column - 1, len(text))]
        one_line = span.end_line == span.line
        last = columns[min(span.end_column - 1, len(text))] if one_line else columns[-1]
        last = min(last, start + _WINDOW)
        underline = label.mark * max(1, last - first)
        said = f"{underline} {printable(label.text)}".rstrip()
        yield f"{bar} {' ' * (first - start)}{paint(said, label.style)}"


def _expand(text: str) -> str:
    return text.replace("\t", " " * _TAB)


def _columns(text: str) -> list[int]:
    """The terminal's column (from 0) at which each character starts, and where the line ends."""
    if text.isascii():
        widths = [_TAB if character == "\t" else 1 for character in text]
    else:
        import unicodedata

        widths = [
            _TAB
            if character == "\t"
            else 0
            if unicodedata.combining(character)
            else 2
            if unicodedata.east_asian_width(character) in "WF"
            else 1
            for character in text
        ]
    columns = [0]
    for width in widths:
        columns.append(columns[-1] + width)
    return columns
