"""Markdown files as tests: the Python fences under one heading are one file.

The file keeps the line numbers of the Markdown (what is not code is blank), so that a finding and
an annotation name the place where one looks.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

_HEADING = re.compile(r"#{1,6}\s+(?P<title>.+)")
_FENCE = re.compile(r"(?P<ticks>`{3,})\s*(?P<language>\w*)")


@dataclass(frozen=True)
class Section:
    """The code under one heading."""

    path: str
    title: str
    text: str


def sections(path: Path, shown: str) -> list[Section]:
    """The sections of a Markdown file that have code; `shown` is its path in messages."""
    found: dict[int, tuple[str, dict[int, str]]] = {}
    heading, title = 0, path.stem
    fence = language = ""
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
        opening = _FENCE.match(line)
        if fence:
            if line.strip() == fence:
                fence = ""
            elif language in ("python", "py"):
                found.setdefault(heading, (title, {}))[1][number] = line
        elif opening:
            fence, language = opening["ticks"], opening["language"]
        elif match := _HEADING.fullmatch(line.rstrip()):
            heading, title = number, match["title"]
    if fence:
        raise ValueError(f"{shown}: a fence is not closed")
    return [
        Section(shown, title, "\n".join(code.get(n, "") for n in range(1, max(code) + 1)) + "\n")
        for title, code in found.values()
    ]
