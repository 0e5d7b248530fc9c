"""One thread of a block reads an element of global memory that another writes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from oxide_analyzer.diagnostics import Severity
from oxide_analyzer.rules.rule import Rule
from oxide_analyzer.rules.wording import element, place, thread, verb

if TYPE_CHECKING:
    from oxide_analyzer.interpreter.outcome import Event
    from oxide_analyzer.launch import Launch

RULE = Rule("OX103", "read-write-race", Severity.ERROR)


def message(stands: Event, other: Event, launch: Launch) -> str:
    """`stands` writes, `other` reads."""
    return (
        f"{thread(stands, launch)} {verb(stands.kind)} {element(stands)} while thread"
        f" {place(other.thread, launch.block)} {verb(other.kind)} it,"
        " and nothing orders them"
    )
