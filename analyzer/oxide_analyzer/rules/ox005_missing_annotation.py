"""A parameter without its type."""

from __future__ import annotations

from oxide_analyzer.diagnostics import Severity
from oxide_analyzer.rules.rule import Rule

RULE = Rule("OX005", "missing-annotation", Severity.ERROR)


def message(parameter: str, function: str) -> str:
    """A parameter of a kernel or helper that does not say what it is."""
    example = f"write `{parameter}: Slice[f32]`, `{parameter}: i32`, …"
    return f"parameter `{parameter}` of `{function}` has no type; {example}"
