"""A thread reads shared or local memory, or a variable, that nothing has written."""

from __future__ import annotations

from typing import TYPE_CHECKING

from oxide_analyzer.diagnostics import Severity
from oxide_analyzer.ir.expressions import RESULT
from oxide_analyzer.rules.rule import Rule
from oxide_analyzer.rules.wording import element, thread

if TYPE_CHECKING:
    from oxide_analyzer.interpreter.outcome import Uninitialised
    from oxide_analyzer.launch import Launch

RULE = Rule("OX303", "uninitialised-read", Severity.ERROR)


def message(found: Uninitialised, launch: Launch, name: str) -> str:
    """What is read, and by whom; `name` is the local's where it is no element."""
    start = f"{thread(found.event, launch)} reads"
    if found.event.array is None and name == RESULT:
        who = thread(found.event, launch)
        return f"{who} uses what this call returns, and the call ends without a `return`"
    if found.event.array is None:
        return f"{start} `{name}` before it is assigned"
    return f"{start} {element(found.event)}, which nothing has written"
