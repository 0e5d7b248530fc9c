"""A barrier of the whole grid in a kernel whose blocks need not all be there at once."""

from __future__ import annotations

from oxide_analyzer.diagnostics import Severity
from oxide_analyzer.rules.rule import Rule

RULE = Rule("OX204", "grid-sync-without-cooperative", Severity.ERROR)
FIX = "Declare `cooperative=True`"


def message(kernel: str) -> str:
    """The call, in a kernel that does not say that it is cooperative."""
    return f"`grid_sync()` in `{kernel}`, which is not declared `@kernel(cooperative=True)`"
