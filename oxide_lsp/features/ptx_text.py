"""What a document of compiled code shows of it, and which line of the source each line is of.

    .version 7.8             hidden: directives
    $L__tmp0:                hidden: labels (nothing jumps there)
    // demoted variable      hidden: comments
                             shown unless hidden: source       // 33   sync_threads()
    bar.sync   0;                                              bar.sync   0;
    @%p2 bra   $L__BB0_4;    hidden: numbers                   @%p bra   $L__BB0_4;

Numbers of registers are hidden where two versions are compared: one instruction more renumbers
all that follow.
"""

from __future__ import annotations

import re
from difflib import SequenceMatcher
from enum import StrEnum
from typing import TYPE_CHECKING

from oxide_analyzer.record import record

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from collections.abc import Set as AbstractSet

    from oxide_lsp.compiling import Compiled


class Hidden(StrEnum):
    """What a document can leave out."""

    DIRECTIVES = "directives"
    COMMENTS = "comments"
    LABELS = "labels"
    SOURCE = "source"
    NUMBERS = "numbers"


USUALLY_HIDDEN = frozenset({Hidden.DIRECTIVES, Hidden.COMMENTS, Hidden.LABELS, Hidden.SOURCE})

# Parameters, bounds of the launch and memory are what a reader of the signature wants.
_DIRECTIVE = re.compile(
    r"\s*\.(?:version|target|address_size|reg|file|section|pragma|headerflags)\b"
)
_LABEL = re.compile(r"\s*([$.\w]+):\s*$")
_JUMP = re.compile(r"\b(?:bra|BRA|BSSY|BREAK|CALL|brx)\b|^\s*\$L\w+\s*[,;]")
_NAME = re.compile(r"[$.]L\w+")
_COMMENT = re.compile(r"\s*//.*$")
_NUMBER = re.compile(r"%(r|rd|rs|rq|p|f|fd|h|b)\d+\b")
_SPACES = re.compile(r"(?<=\S)[ \t]+")


@record
class Shown:
    """A document: its text, and for each of its lines the line of the source, 0 for none."""

    text: str
    lines: tuple[int, ...]
    dead: tuple[int, ...]


def shown(
    title: str, compiled: Compiled, hidden: AbstractSet[Hidden], source: Sequence[str]
) -> Shown:
    """The document of a compiled kernel; `source` is the text of its file, line by line."""
    parts = [(f"// {line}", 0) for line in (title, *compiled.header)]
    parts.append(("", 0))
    body = list(_body(compiled, hidden, source))
    parts += [
        part
        for part, following in zip(body, [*body[1:], ("", 0)], strict=True)
        if part[0] or following[0] not in ("", "}")
    ]
    return Shown("\n".join(text for text, _ in parts) + "\n", _numbers(parts), compiled.dead)


def outdated(title: str, problem: str, last: Shown, moved: dict[int, int]) -> Shown:
    """Of a kernel that does not compile now: why, and the document as it was before."""
    head = [f"// {title}", f"// {problem}", "// What follows is from before.", ""]
    lines = tuple(moved.get(number, 0) for number in last.lines)
    dead = tuple(sorted({moved.get(number, 0) for number in last.dead} - {0}))
    return Shown("\n".join(head) + "\n" + last.text, (0,) * len(head) + lines, dead)


def refused(title: str, problem: str) -> Shown:
    """Of a kernel that has never compiled: why."""
    return Shown(f"// {title}\n// {problem}\n", (0, 0), ())


def moved_lines(before: Sequence[str], after: Sequence[str]) -> dict[int, int]:
    """Where the lines of a text are in a later one, counted from 1; what was changed is absent."""
    matcher = SequenceMatcher(None, before, after, autojunk=False)
    return {
        block.a + offset + 1: block.b + offset + 1
        for block in matcher.get_matching_blocks()
        for offset in range(block.size)
    }


def _numbers(parts: Sequence[tuple[str, int]]) -> tuple[int, ...]:
    return tuple(number for _, number in parts)


def _body(
    compiled: Compiled, hidden: AbstractSet[Hidden], source: Sequence[str]
) -> Iterator[tuple[str, int]]:
    targets = _targets(text for text, _ in compiled.lines)
    in_section, above = False, 0
    empty = True
    for line, number in compiled.lines:
        text = line
        if Hidden.DIRECTIVES in hidden and (in_section or _DIRECTIVE.match(text)):
            # Only `.section { … }` has lines of its own.
            in_section = (in_section or ".section" in text) and "}" not in text
            continue
        if Hidden.COMMENTS in hidden:
            bare = _COMMENT.sub("", text)
            if text.strip() and not bare.strip():
                continue
            text = bare
        if Hidden.LABELS in hidden:
            label = _LABEL.match(text)
            if label is not None and label[1] not in targets:
                continue
        if Hidden.NUMBERS in hidden:
            text = _NUMBER.sub(r"%\1", text)
        text = _aligned(text)
        if not text.strip():
            # One empty line is enough, and none at the start.
            if empty:
                continue
            empty = True
            yield "", 0
            continue
        empty = False
        if Hidden.SOURCE not in hidden and number not in (0, above) and number <= len(source):
            above = number
            yield f"    // {number:<4} {source[number - 1].strip()}", number
        yield text, number


def _targets(lines: Iterator[str]) -> frozenset[str]:
    """The labels that something jumps to."""
    return frozenset(name for line in lines if _JUMP.search(line) for name in _NAME.findall(line))


def _aligned(text: str) -> str:
    """Instructions with four spaces in front and their operands in a column of their own."""
    if not text.startswith("\t"):
        return text
    code = text.strip()
    if code.startswith((".", "//", "{", "}")):
        return f"    {code}"
    guard = ""
    if code.startswith("@"):
        guard, _, code = code.partition(" ")
        guard += " "
    opcode, _, operands = code.partition(" ")
    operands = _SPACES.sub(" ", operands.strip())
    return f"    {guard}{opcode}".ljust(24) + (f" {operands}" if operands else "")
