"""A store into a `Slice`."""

from __future__ import annotations

from oxide_analyzer.diagnostics import Severity
from oxide_analyzer.rules.rule import Rule

RULE = Rule("OX101", "write-to-read-only-slice", Severity.ERROR)


def message(array: str) -> str:
    """A store into what every thread of the launch may read at any time."""
    return f"`{array}` is a read-only `Slice`; declare it as a `DisjointSlice` to write to it"
