"""An `unsafe` block that lifts nothing: all that it contains is proved."""

from __future__ import annotations

from oxide_analyzer.diagnostics import Severity
from oxide_analyzer.rules.rule import Rule

RULE = Rule("OX703", "needless-unsafe", Severity.WARNING)


def message() -> str:
    """Everything inside holds anyway."""
    return "this `unsafe` lifts nothing: all that it contains is proved without it"
