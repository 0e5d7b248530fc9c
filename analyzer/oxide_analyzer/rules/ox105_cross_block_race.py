"""Threads of different blocks touch one element of global memory; no barrier orders blocks."""

from __future__ import annotations

from typing import TYPE_CHECKING

from oxide_analyzer.diagnostics import Severity
from oxide_analyzer.rules.rule import Rule
from oxide_analyzer.rules.wording import element, thread, threads, verb

if TYPE_CHECKING:
    from oxide_analyzer.interpreter.outcome import Event
    from oxide_analyzer.launch import Launch

RULE = Rule("OX105", "cross-block-race", Severity.ERROR)


def message(stands: Event, other: Event, launch: Launch) -> str:
    """Only threads of different blocks can do it."""
    if stands.kind is other.kind:
        who = threads(other, stands, launch)
        return f"{who} both write {element(stands)}, and nothing orders different blocks"
    return (
        f"{thread(stands, launch)} {verb(stands.kind)} {element(stands)} and"
        f" {thread(other, launch)} {verb(other.kind)} it,"
        " and nothing orders different blocks"
    )
