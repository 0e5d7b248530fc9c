"""A divisor, or the step of a `range`, that is zero in some thread."""

from __future__ import annotations

from typing import TYPE_CHECKING

from oxide_analyzer.diagnostics import Severity
from oxide_analyzer.rules.rule import Rule
from oxide_analyzer.rules.wording import thread

if TYPE_CHECKING:
    from oxide_analyzer.interpreter.outcome import ZeroDivisor
    from oxide_analyzer.launch import Launch

RULE = Rule("OX307", "division-by-zero", Severity.ERROR)


def message(found: ZeroDivisor, launch: Launch, role: str) -> str:
    """Who divides by zero; `role` is the divisor or the step."""
    return f"the {role} is zero in {thread(found.event, launch)}"


def unproved_message(role: str) -> str:
    """The divisor may be zero."""
    return f"the {role} is not proved to differ from zero; it is checked at run time"
