"""A read that is not proved to see what was written; the memory is zeroed."""

from __future__ import annotations

from oxide_analyzer.diagnostics import Severity
from oxide_analyzer.rules.rule import Rule

RULE = Rule("OX903", "unproved-memory", Severity.WARNING)


def message(name: str) -> str:
    """The array or local."""
    return f"`{name}` is not proved to be written before this read; it starts as zero"
