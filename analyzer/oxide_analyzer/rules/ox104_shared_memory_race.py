"""Two threads of a block touch one element of shared memory with no barrier between."""

from __future__ import annotations

from typing import TYPE_CHECKING

from oxide_analyzer.diagnostics import Severity
from oxide_analyzer.rules.rule import Rule
from oxide_analyzer.rules.wording import element, place, thread, threads, verb

if TYPE_CHECKING:
    from oxide_analyzer.interpreter.outcome import Event
    from oxide_analyzer.launch import Launch

RULE = Rule("OX104", "shared-memory-race", Severity.ERROR)


def message(stands: Event, other: Event, launch: Launch) -> str:
    """Both accesses lie in one barrier interval."""
    if stands.kind is other.kind:
        who = threads(other, stands, launch)
        return f"{who} both write {element(stands)} with no `sync_threads()` between"
    return (
        f"{thread(stands, launch)} {verb(stands.kind)} {element(stands)} while thread"
        f" {place(other.thread, launch.block)} {verb(other.kind)} it,"
        " with no `sync_threads()` between"
    )
