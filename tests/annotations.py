"""Expectations written into kernels as comments, and how findings are held against them.

    # error: [COLUMN] [[CODE]] ["text"]

also `warning:`, `information:` and `hint:`; all three parts are optional, CODE is a rule's number
or name, and the text must be contained in the message. A comment behind code speaks of its line, a
comment alone on its line of the next line of code; several may share a line. Findings that nobody
announced fail as well as announcements that nothing fulfils; only information may go without.
`also:` announces what may be said beside it, at whatever severity: a consequence of the defect.

    out[i] = a[i]  # error: 5 [OX301] "reaches 256"
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from oxide_analyzer.diagnostics import Diagnostic, Severity

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

_START = re.compile(r"#\s*(?P<severity>error|warning|information|hint|also):")
_ANNOTATION = re.compile(
    r'\s*(?:(?P<column>\d+)(?:\s+|$))?(?:\[(?P<rule>[\w-]+)\]\s*)?(?:"(?P<text>[^"]*)")?\s*'
)


@dataclass(frozen=True)
class Expectation:
    """One annotation: the line that it speaks of, and what it says about the finding there.

    Without a severity it is an `also:`, which need not come true.
    """

    path: str
    line: int
    severity: Severity | None
    column: int | None
    rule: str | None
    text: str | None

    def fits(self, diagnostic: Diagnostic) -> bool:
        return (
            self.line == diagnostic.span.line
            and self.severity in (None, diagnostic.severity)
            and self.column in (None, diagnostic.span.column)
            and self.rule in (None, diagnostic.code, diagnostic.name)
            and (self.text is None or self.text in diagnostic.message)
        )

    @property
    def precision(self) -> int:
        return sum(part is not None for part in (self.column, self.rule, self.text))

    def __str__(self) -> str:
        parts = [f"{self.severity or 'also'}:"]
        parts += [str(self.column)] if self.column is not None else []
        parts += [f"[{self.rule}]"] if self.rule is not None else []
        parts += [f'"{self.text}"'] if self.text is not None else []
        return f"{self.path}:{self.line}: expected {' '.join(parts)}"


class BadAnnotation(ValueError):
    """An annotation that says nothing that could be held against a finding."""


def expectations(path: str, text: str) -> list[Expectation]:
    """The annotations of a file, in order."""
    lines = text.splitlines()
    return [
        expectation
        for number, line in enumerate(lines, 1)
        for expectation in _of_line(path, number, line, lines)
    ]


def mismatches(expected: Iterable[Expectation], found: Iterable[Diagnostic]) -> list[str]:
    """What is wrong, one `path:line: …` each; empty if findings and annotations agree."""
    unannounced = [diagnostic for diagnostic in found if diagnostic.suppressed is None]
    unmet: list[Expectation] = []
    # The precise ones choose first, or a vague one could take the finding that they need.
    for expectation in sorted(expected, key=lambda e: (e.severity is None, -e.precision)):
        fitting = next((d for d in unannounced if expectation.fits(d)), None)
        if fitting is None:
            unmet += [expectation] if expectation.severity is not None else []
        else:
            unannounced.remove(fitting)
    wrong = [(e.line, str(e)) for e in unmet]
    wrong += [
        (d.span.line, _show(d)) for d in unannounced if d.severity is not Severity.INFORMATION
    ]
    return [text for _, text in sorted(wrong)]


def _show(diagnostic: Diagnostic) -> str:
    return (
        f"{diagnostic.span.path}:{diagnostic.span.line}: unexpected {diagnostic.severity}: "
        f'{diagnostic.span.column} [{diagnostic.code}] "{diagnostic.message}"'
        + (f" ({diagnostic.reason})" if diagnostic.reason else "")
    )


def _of_line(path: str, number: int, line: str, lines: list[str]) -> Iterator[Expectation]:
    starts = list(_START.finditer(line))
    alone = line.lstrip().startswith("#")
    ends = [following.start() for following in starts[1:]] + [len(line)]
    for start, end in zip(starts, ends, strict=False):
        match = _ANNOTATION.fullmatch(line, start.end(), end)
        if match is None:
            raise BadAnnotation(f"{path}:{number}: cannot read {line[start.start() : end]!r}")
        yield Expectation(
            path,
            _next_code_line(number, lines) if alone else number,
            Severity(start["severity"]) if start["severity"] != "also" else None,
            int(match["column"]) if match["column"] else None,
            match["rule"],
            match["text"],
        )


def _next_code_line(number: int, lines: list[str]) -> int:
    for following, line in enumerate(lines[number:], number + 1):
        if line.strip() and not line.lstrip().startswith("#"):
            return following
    raise BadAnnotation(f"line {number}: no code follows the annotation")
