"""An index that is not proved to stay inside its array; its check remains at run time."""

from __future__ import annotations

from oxide_analyzer.diagnostics import Severity
from oxide_analyzer.rules.rule import Rule

RULE = Rule("OX302", "unproved-bounds", Severity.WARNING)


def index_message(array: str) -> str:
    """An index into a view of `array`."""
    return f"this index is not proved to be inside the view of `{array}`; it is checked at run time"


def row_message(array: str) -> str:
    """The row that a view of `array` is."""
    return f"this row is not proved to be inside `{array}`; it is checked at run time"


def view_message(array: str) -> str:
    """The ends of a view of `array`."""
    return f"this view is not proved to be inside `{array}`; it is checked at run time"


def message(array: str, axis: int, rank: int) -> str:
    """The array, and which of its dimensions."""
    where = f"`{array}`" if rank == 1 else f"dimension {axis} of `{array}`"
    return f"this index is not proved to be inside {where}; it is checked at run time"
