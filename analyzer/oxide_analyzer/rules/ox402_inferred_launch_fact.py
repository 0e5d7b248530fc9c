"""What a proof takes for granted about launches beyond the contract; each launch checks it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from oxide_analyzer.diagnostics import Severity
from oxide_analyzer.rules.rule import Rule

if TYPE_CHECKING:
    from collections.abc import Sequence

RULE = Rule("OX402", "inferred-launch-fact", Severity.INFORMATION)


def message(facts: Sequence[str]) -> str:
    """All facts of one kernel."""
    return "each launch is checked for " + ", ".join(f"`{fact}`" for fact in facts)
