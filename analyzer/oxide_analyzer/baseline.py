"""Known findings, written down so that only new ones are shown.

    {"version": 1, "findings": [{"path": "k.py", "code": "OX301", "kernel": "scale",
                                 "fingerprint": "…", "count": 1}]}

A finding is known by path, rule, kernel and fingerprint: neither a line number nor a message is in
it, so it is found again when the file was edited elsewhere. Of findings that agree in all four, as
many are known as were counted. What is known and was not found is stale: it can be taken out.
"""

from __future__ import annotations

import json
from collections import Counter
from typing import TYPE_CHECKING, Any, TypeAlias

from oxide_analyzer.fingerprints import fingerprint
from oxide_analyzer.record import record
from oxide_analyzer.reports.places import shown

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping
    from pathlib import Path

    from oxide_analyzer.diagnostics import Diagnostic
    from oxide_analyzer.source import SourceFile

Key: TypeAlias = tuple[str, str, str, str]
"""Path from the baseline's folder, code, kernel or an empty string, fingerprint."""

VERSION = 1


class BaselineError(Exception):
    """A file that is no baseline; the text says why."""


@record
class Compared:
    """Findings that are not in the baseline, how many are, and how many it has too much."""

    new: tuple[Diagnostic, ...]
    known: int
    stale: int


def read(text: str) -> Counter[Key]:
    """The known findings, with how many there are of each; raises `BaselineError`."""
    try:
        document = json.loads(text)
        if document["version"] != VERSION:
            raise BaselineError(f"it has version {document['version']}, not {VERSION}")
        return Counter(
            {
                (
                    str(e["path"]),
                    str(e["code"]),
                    str(e["kernel"] or ""),
                    str(e["fingerprint"]),
                ): int(e["count"])
                for e in document["findings"]
            }
        )
    except (ValueError, KeyError, TypeError) as error:
        raise BaselineError(f"it is no baseline of oxide-check: {error!r}") from error


def write(
    diagnostics: Iterable[Diagnostic],
    sources: Mapping[str, SourceFile],
    folder: Path,
    kept: Counter[Key] | None = None,
) -> str:
    """The text of a baseline of these findings that is to lie in `folder`, and of `kept` ones."""
    counted = Counter(_key(d, sources, folder) for d in diagnostics)
    counted.update(kept or {})
    findings: list[dict[str, Any]] = [
        {
            "path": path,
            "code": code,
            "kernel": kernel or None,
            "fingerprint": mark,
            "count": number,
        }
        for (path, code, kernel, mark), number in sorted(counted.items())
    ]
    document = {"version": VERSION, "findings": findings}
    return json.dumps(document, indent=1, ensure_ascii=False) + "\n"


def unchecked(known: Counter[Key], folder: Path, checked: Collection[str]) -> Counter[Key]:
    """What is known about files that are still there and were not checked."""
    paths = {shown(path, folder) for path in checked}
    return Counter(
        {
            key: number
            for key, number in known.items()
            if key[0] not in paths and (folder / key[0]).exists()
        }
    )


def compare(
    known: Counter[Key],
    diagnostics: Iterable[Diagnostic],
    sources: Mapping[str, SourceFile],
    folder: Path,
    checked: Collection[str],
) -> Compared:
    """Which findings are new; only what is known about `checked` files can be stale."""
    left = Counter(known)
    new: list[Diagnostic] = []
    for diagnostic in diagnostics:
        key = _key(diagnostic, sources, folder)
        if left[key] > 0:
            left[key] -= 1
        else:
            new.append(diagnostic)
    paths = {shown(path, folder) for path in checked}
    stale = sum(number for key, number in left.items() if key[0] in paths)
    return Compared(tuple(new), known.total() - left.total(), stale)


def _key(diagnostic: Diagnostic, sources: Mapping[str, SourceFile], folder: Path) -> Key:
    path = diagnostic.span.path
    mark = fingerprint(diagnostic, sources.get(path))
    return shown(path, folder), diagnostic.code, diagnostic.kernel or "", mark
