"""A barrier for which neither a proof that all threads meet nor two that part was found."""

from __future__ import annotations

from oxide_analyzer.diagnostics import Severity
from oxide_analyzer.rules.rule import Rule

RULE = Rule("OX902", "unproved-convergence", Severity.ERROR)


def message() -> str:
    """Not every thread may come."""
    return "the threads of a block are not proved to meet at this barrier"
