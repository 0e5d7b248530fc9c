"""A plain load or store of memory that is changed atomically."""

from __future__ import annotations

from typing import TYPE_CHECKING

from oxide_analyzer.diagnostics import Severity
from oxide_analyzer.rules.rule import Rule
from oxide_analyzer.rules.wording import element, thread, verb

if TYPE_CHECKING:
    from oxide_analyzer.interpreter.outcome import Event
    from oxide_analyzer.launch import Launch

_INSTEAD = {"loaded": "load", "stored": "store", "changed": "add"}
RULE = Rule("OX106", "mixed-atomic-access", Severity.ERROR)


def message(array: str, verb: str) -> str:
    """A plain access of an `AtomicSlice`; `verb` is loaded, stored or changed."""
    instead = f"atomic.{_INSTEAD[verb]}"
    return f"`{array}` is an `AtomicSlice` and is {verb} here without an atomic; use `{instead}`"


def race_message(stands: Event, other: Event, launch: Launch) -> str:
    """A plain access meets an atomic one that nothing orders."""
    return (
        f"{thread(stands, launch)} {verb(stands.kind)} {element(stands)} plainly while"
        f" {thread(other, launch)} changes it atomically, and nothing orders them"
    )
