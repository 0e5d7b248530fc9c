"""A read that is not proved to see what was written; the memory is zeroed."""

from __future__ import annotations

from oxide_analyzer.diagnostics import Severity
from oxide_analyzer.ir.expressions import RESULT
from oxide_analyzer.rules.rule import Rule

RULE = Rule("OX903", "unproved-memory", Severity.WARNING)


def supplied_message(name: str) -> str:
    """What the block computes together may lack a thread."""
    return f"not every thread is proved to come to `{name}`; for a warp that is missing it has 0"


def message(name: str) -> str:
    """The array or local."""
    if name == RESULT:
        return "this call is not proved to end with a `return`; without one it gives zero"
    return f"`{name}` is not proved to be written before this read; it starts as zero"
