"""Compiled text with the lines of the source that it comes from.

    .loc 1 12 9                 is      // 12  c[i] = a[i] + b[i]
    ld.global.nc.b32 %r9, …             ld.global.nc.b32 %r9, …

A line of the source is shown wherever code of another one stands before. Code of a helper in
another file has no line here.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from oxide_analyzer.source import SourceFile

Numbered: TypeAlias = "tuple[str, int]"
"""A line of compiled text and the line of the kernel's file that it comes from, 0 if from none."""

# The kernel's own file is the first.
_LOC = re.compile(r"\s*\.loc\s+(\d+)\s+(\d+)\s")
_FILE = re.compile(r'\s*//## File "(.*?)", line (\d+)')
_INSTRUCTION = re.compile(r"\s*/\*[0-9a-f]{4,}\*/\s+(.*?)\s*;")
_LABEL = re.compile(r"\s*(\.L_\w+):")


def annotated_ptx(ptx: str, source: SourceFile) -> str:
    """PTX whose line directives are the lines themselves."""
    return "\n".join(with_source(numbered_ptx(ptx), source)) + "\n"


def annotated_sass(listing: str, source: SourceFile) -> str:
    """Machine code likewise, without encodings."""
    return "\n".join(with_source(numbered_sass(listing, source.path), source)) + "\n"


def numbered_ptx(ptx: str) -> Iterator[Numbered]:
    """The lines of PTX but its line directives."""
    number = 0
    for line in ptx.splitlines():
        found = _LOC.match(line)
        if found is None:
            yield line, number
        else:
            number = int(found[2]) if found[1] == "1" else 0


def numbered_sass(listing: str, path: str) -> Iterator[Numbered]:
    """Instructions and labels of machine code; `path` is the kernel's file."""
    number = 0
    for line in listing.splitlines():
        place, code, label = (p.match(line) for p in (_FILE, _INSTRUCTION, _LABEL))
        if place:
            number = int(place[2]) if place[1].endswith(path) else 0
        elif code and not code[1].startswith("NOP"):
            yield f"    {code[1]}", number
        elif label:
            yield f"{label[1]}:", number


def with_source(parts: Iterable[Numbered], source: SourceFile) -> Iterator[str]:
    """The text with lines of the source between."""
    lines, shown = source.lines, 0
    for part, number in parts:
        if number not in (0, shown) and number <= len(lines):
            shown = number
            yield source_comment(number, lines[number - 1])
        yield part


def source_comment(number: int, text: str) -> str:
    """A line of the source as it stands between compiled ones."""
    return f"// {number:<4} {text.strip()}"
