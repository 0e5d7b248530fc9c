"""What is copied asynchronously is touched before its thread has waited for it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from oxide_analyzer.diagnostics import Severity
from oxide_analyzer.rules.rule import Rule
from oxide_analyzer.rules.wording import element, place, thread, verb

if TYPE_CHECKING:
    from oxide_analyzer.interpreter.outcome import Event
    from oxide_analyzer.launch import Launch

RULE = Rule("OX207", "read-before-wait", Severity.ERROR)


def message(touch: Event, copy: Event, launch: Launch) -> str:
    """`touch` comes while `copy` may be under way."""
    did = f"{thread(touch, launch)} {verb(touch.kind)} {element(touch)}"
    if touch.thread == copy.thread:
        return f"{did} before its `async_wait()` for the copy to it"
    who = place(copy.thread, launch.block)
    return f"{did} while the copy of thread {who} to it may be under way"


def related(copy: Event, launch: Launch) -> str:
    """What is said of the copy."""
    return f"{thread(copy, launch)} copies to {element(copy)}"
