"""Where neither a proof that all threads meet nor two that part was found."""

from __future__ import annotations

from oxide_analyzer.diagnostics import Severity
from oxide_analyzer.rules.rule import Rule

RULE = Rule("OX902", "unproved-convergence", Severity.ERROR)


def message(group: str) -> str:
    """Not every thread may come to a barrier."""
    return f"the {group.replace('one', 'a')} are not proved to meet at this barrier"


def supplied_message(name: str) -> str:
    """Not every thread may come to what the block computes together."""
    return f"the threads of a block are not proved to meet at `{name}`"


def operation_message(function: str) -> str:
    """Not every lane of the mask may come, or one that is not in it."""
    shown = function if function == "sync_warp" else f"warp.{function}"
    return f"the lanes of the mask, and no others, are not proved to meet at `{shown}`"
