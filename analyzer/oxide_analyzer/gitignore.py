"""Patterns in the language of `.gitignore`: what git ignores, and what `exclude` names.

    build/          directories of this name, anywhere below
    /build          this one, beside the file with the pattern
    *.gen.py        by name, anywhere below
    docs/**/old     a path from the file with the pattern
    !keep.py        not ignored after all

The last pattern that fits decides. Git does not look into an ignored directory, and neither does
a caller who asks about the directory before its files.
"""

from __future__ import annotations

import re

from oxide_analyzer.record import record


@record
class Pattern:
    """One line: what it fits, whether it takes back, and whether it is for directories alone."""

    expression: re.Pattern[str]
    ignores: bool
    directories_only: bool


def parse(text: str) -> tuple[Pattern, ...]:
    """The patterns of a file."""
    return tuple(pattern for line in text.splitlines() if (pattern := _pattern(line)) is not None)


def ignored(patterns: tuple[Pattern, ...], path: str, is_directory: bool) -> bool | None:
    """Whether `path` is ignored, None if no pattern speaks of it.

    The path has slashes and starts where the patterns stand.
    """
    for pattern in reversed(patterns):
        if (is_directory or not pattern.directories_only) and pattern.expression.fullmatch(path):
            return pattern.ignores
    return None


def _pattern(line: str) -> Pattern | None:
    line = line.rstrip("\r\n")
    # Trailing blanks do not count unless a backslash keeps them.
    line = re.sub(r"(?<!\\)\s+$", "", line)
    if not line or line.startswith("#"):
        return None
    ignores = not line.startswith("!")
    line = line if ignores else line[1:]
    directories_only = line.endswith("/")
    line = line.rstrip("/") if directories_only else line
    anchored = "/" in line
    body = _translate(line.lstrip("/"))
    if not body:
        return None
    return Pattern(re.compile(body if anchored else f"(?:.*/)?{body}"), ignores, directories_only)


def _translate(glob: str) -> str:
    out: list[str] = []
    at = 0
    while at < len(glob):
        if glob.startswith("**/", at) and (at == 0 or glob[at - 1] == "/"):
            out.append("(?:.*/)?")
            at += 3
        elif glob[at:] == "**" and (at == 0 or glob[at - 1] == "/"):
            out.append(".+")
            at += 2
        elif glob[at] == "*":
            out.append("[^/]*")
            at += 1
        elif glob[at] == "?":
            out.append("[^/]")
            at += 1
        elif glob[at] == "[" and (end := glob.find("]", at + 2)) != -1:
            inside = glob[at + 1 : end].replace("\\", "\\\\")
            negated = inside[0] in "!^"
            out.append(f"[^/{inside[1:]}]" if negated else f"[{inside}]")
            at = end + 1
        else:
            at += glob[at] == "\\" and at + 1 < len(glob)
            out.append(re.escape(glob[at]))
            at += 1
    return "".join(out)
