"""A plain load or store of memory that is changed atomically."""

from __future__ import annotations

from oxide_analyzer.diagnostics import Severity
from oxide_analyzer.rules.rule import Rule

RULE = Rule("OX106", "mixed-atomic-access", Severity.ERROR)


def message(array: str, verb: str) -> str:
    """A plain access of an `AtomicSlice`; `verb` is loaded, stored or changed."""
    return f"`{array}` is an `AtomicSlice` and is {verb} here without an atomic; use `atomic.add`"
