"""A barrier for which neither a proof that all threads meet nor two that part was found."""

from __future__ import annotations

from oxide_analyzer.diagnostics import Severity
from oxide_analyzer.rules.rule import Rule

RULE = Rule("OX902", "unproved-convergence", Severity.ERROR)


def message() -> str:
    """Not every thread may come."""
    return "not every thread of a block is proved to come to this barrier"
