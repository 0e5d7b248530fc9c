"""Two accesses for which neither a proof nor a launch that makes them race was found."""

from __future__ import annotations

from oxide_analyzer.diagnostics import Severity
from oxide_analyzer.rules.rule import Rule

RULE = Rule("OX901", "unproved-race", Severity.ERROR)


def message(array: str, between_blocks: bool) -> str:
    """The array, and who could meet."""
    who = "threads of different blocks" if between_blocks else "two threads of a block"
    return f"{who} are not proved to touch different elements of `{array}`"


def exit_message(array: str) -> str:
    """Who returned may meet those who went on."""
    return (
        "a thread that returns here is not proved to touch other elements of"
        f" `{array}` than the threads that go on"
    )


def stopped_message() -> str:
    """Nobody waited until it was known."""
    return "this kernel is not judged: the time for it was up"
