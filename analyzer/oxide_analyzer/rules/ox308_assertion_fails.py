"""An `assert` that does not hold in some thread."""

from __future__ import annotations

from typing import TYPE_CHECKING

from oxide_analyzer.diagnostics import Severity
from oxide_analyzer.rules.rule import Rule
from oxide_analyzer.rules.wording import thread

if TYPE_CHECKING:
    from oxide_analyzer.interpreter.outcome import FailedAssertion
    from oxide_analyzer.launch import Launch

RULE = Rule("OX308", "assertion-fails", Severity.ERROR)


def message(found: FailedAssertion, launch: Launch) -> str:
    """For whom, and what the source says about it."""
    said = f": {found.message}" if found.message else ""
    return f"this assertion fails in {thread(found.event, launch)}{said}"


def unproved_message() -> str:
    """It may fail."""
    return "this assertion is not proved to hold; it is checked at run time"
