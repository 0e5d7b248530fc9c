"""Lanes of a warp want different words of one bank of shared memory."""

from __future__ import annotations

from oxide_analyzer.diagnostics import Severity
from oxide_analyzer.rules.rule import Rule

RULE = Rule("OX602", "bank-conflict", Severity.HINT)

LEAST = 4
"""So many lanes at one bank are worth a word."""


def message(array: str, did: str, ways: int, distance: str, advice: str) -> str:
    """How many take turns, and how they would not."""
    where = f": {distance}" if distance else ""
    return (
        f"{ways} lanes of a warp {did} `{array}` in one bank, one after the other{where}"
        f"{'; ' if advice else ''}{advice}"
    )


def pad(array: str, columns: int) -> str:
    """One more column moves each row to the next bank."""
    return f"give `{array}` {columns + 1} columns instead of {columns}"


def related() -> str:
    """Another access of the same kind."""
    return "so does this access"
