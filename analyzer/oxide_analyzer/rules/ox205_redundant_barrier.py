"""A barrier between accesses that never conflict."""

from __future__ import annotations

from oxide_analyzer.diagnostics import Severity
from oxide_analyzer.rules.rule import Rule

RULE = Rule("OX205", "redundant-barrier", Severity.INFORMATION)


def message() -> str:
    """What it does not do."""
    return "this barrier orders nothing: no array is changed on one side and touched on the other"
