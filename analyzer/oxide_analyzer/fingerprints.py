"""What makes a finding the same one after the file was edited elsewhere.

A fingerprint is made of the rule, the kernel and the statement's text, of neither line number nor
message: messages name lines and threads, and get better from version to version.

    out[i] = a[i]          OX301, `scale`, column 5 of `out[i] = a[i]`, the first such

Blanks and comments do not count. Of several findings that agree in all this the first in the file
is the first everywhere, so each has a fingerprint of its own.
"""

from __future__ import annotations

import re
from collections import Counter
from hashlib import sha256
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from oxide_analyzer.diagnostics import Diagnostic
    from oxide_analyzer.source import SourceFile

# A comment without quotes is one, whatever stands in front of it; with them it may be in a string.
_COMMENT = re.compile(r"#[^\"']*$")


def fingerprint(diagnostic: Diagnostic, source: SourceFile | None) -> str:
    """Equal for findings that only their order tells apart; `source` is the file of the finding."""
    span = diagnostic.span
    line = text = ""
    if source is not None:
        line = _COMMENT.sub("", source.line(span.line))
        text = source.extract(span)
    parts = (diagnostic.code, diagnostic.kernel or "", _squeezed(line), _squeezed(text))
    return sha256("\0".join(parts).encode("utf-8", "surrogatepass")).hexdigest()[:32]


def unique(
    diagnostics: Iterable[Diagnostic], sources: Mapping[str, SourceFile], paths: Mapping[str, str]
) -> list[str]:
    """One fingerprint for each finding, no two alike; `paths` are the paths that count."""
    seen: Counter[tuple[str, str]] = Counter()
    found: list[str] = []
    for diagnostic in diagnostics:
        path = diagnostic.span.path
        key = paths[path], fingerprint(diagnostic, sources.get(path))
        text = "\0".join((*key, str(seen[key])))
        seen[key] += 1
        found.append(sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:32])
    return found


def _squeezed(text: str) -> str:
    return "".join(text.split())
