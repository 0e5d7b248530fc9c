"""A warp asks for many more sectors of global memory than its data take."""

from __future__ import annotations

from oxide_analyzer.diagnostics import Severity
from oxide_analyzer.rules.rule import Rule

RULE = Rule("OX601", "uncoalesced-access", Severity.HINT)

LEAST = 8
"""So many sectors more than needed are worth a word."""


def message(request: str, advice: str) -> str:
    """What a warp asks for, and what to do about it."""
    return f"{request}; {advice}" if advice else request


def advice(along: str | None, stride: int | None) -> str:
    """How neighbouring lanes would come to neighbouring elements."""
    if along == "the loop":
        return "let neighbouring threads take neighbouring elements, or go through a tile"
    if along is not None:
        return f"let `thread.x` count what `{along}` counts here"
    if stride is not None and stride > 1:
        return "keep side by side what neighbouring threads want, in arrays of their own"
    return "go through a tile in shared memory, or keep the array otherwise"


def related() -> str:
    """Another access of the same kind."""
    return "so does this access"
