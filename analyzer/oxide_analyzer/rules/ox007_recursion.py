"""A helper that calls itself, directly or through others."""

from __future__ import annotations

from oxide_analyzer.diagnostics import Severity
from oxide_analyzer.rules.rule import Rule

RULE = Rule("OX007", "recursion", Severity.ERROR)


def message(name: str, through: tuple[str, ...]) -> str:
    """The call that closes the ring; `through` are the helpers on the way, outermost first."""
    way = f" through {' and '.join(f'`{one}`' for one in through)}" if through else ""
    return f"`{name}` calls itself{way}; calls are inlined, so write a loop"
