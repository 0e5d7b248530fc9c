"""An index that is not proved to stay inside its array; its check remains at run time."""

from __future__ import annotations

from oxide_analyzer.diagnostics import Severity
from oxide_analyzer.rules.rule import Rule

RULE = Rule("OX302", "unproved-bounds", Severity.WARNING)


def message(array: str, axis: int, rank: int) -> str:
    """The array, and which of its dimensions."""
    where = f"`{array}`" if rank == 1 else f"dimension {axis} of `{array}`"
    return f"this index is not proved to be inside {where}; it is checked at run time"
