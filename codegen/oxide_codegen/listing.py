"""Compiled text with the lines of the source that it comes from.

    .loc 1 12 9                 is      // 12  c[i] = a[i] + b[i]
    ld.global.nc.b32 %r9, …             ld.global.nc.b32 %r9, …

A line of the source is shown wherever code of another one stands before.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

    from oxide_analyzer.source import SourceFile

# Of the kernel's own file, which is the first.
_LOC = re.compile(r"\s*\.loc\s+1\s+(\d+)\s")
_FILE = re.compile(r'\s*//## File "(.*?)", line (\d+)')
_INSTRUCTION = re.compile(r"\s*/\*[0-9a-f]{4,}\*/\s+(.*?)\s*;")
_LABEL = re.compile(r"\s*(\.L_\w+):")


def annotated_ptx(ptx: str, source: SourceFile) -> str:
    """PTX whose line directives are the lines themselves."""
    return "\n".join(_merged(_of_ptx(ptx), source)) + "\n"


def annotated_sass(listing: str, source: SourceFile) -> str:
    """Machine code likewise, without encodings."""
    return "\n".join(_merged(_of_sass(listing, source.path), source)) + "\n"


def _of_ptx(ptx: str) -> Iterator[str | int]:
    for line in ptx.splitlines():
        found = _LOC.match(line)
        yield int(found[1]) if found else line


def _of_sass(listing: str, path: str) -> Iterator[str | int]:
    for line in listing.splitlines():
        place, code, label = (p.match(line) for p in (_FILE, _INSTRUCTION, _LABEL))
        if place:
            if place[1].endswith(path):
                yield int(place[2])
        elif code and not code[1].startswith("NOP"):
            yield f"    {code[1]}"
        elif label:
            yield f"{label[1]}:"


def _merged(parts: Iterator[str | int], source: SourceFile) -> Iterator[str]:
    lines, shown, waiting = source.text.splitlines(), 0, 0
    for part in parts:
        if isinstance(part, int):
            waiting = part
            continue
        if waiting not in (0, shown) and waiting <= len(lines):
            shown = waiting
            yield f"// {waiting:<4} {lines[waiting - 1].strip()}"
        yield part
