"""A thread returns before a barrier, and one that goes on misses what it should have done."""

from __future__ import annotations

from typing import TYPE_CHECKING

from oxide_analyzer.diagnostics import AccessKind, Severity
from oxide_analyzer.rules.rule import Rule
from oxide_analyzer.rules.wording import element, place, thread, verb

if TYPE_CHECKING:
    from oxide_analyzer.interpreter.outcome import HarmfulExit
    from oxide_analyzer.launch import Launch

RULE = Rule("OX202", "exit-before-barrier", Severity.ERROR)


def supplied_message(found: HarmfulExit, launch: Launch, name: str) -> str:
    """What the block computes together lacks the thread that left."""
    return (
        f"{thread(found.exit, launch)} returns before `{name}` on line {found.barrier.span.line},"
        " to which all threads of the block bring a value"
    )


def message(found: HarmfulExit, launch: Launch) -> str:
    """Behind the barrier a live thread reads what nobody wrote, or races with who left."""
    reader = place(found.access.thread, launch.block)
    start = f"{thread(found.exit, launch)} returns before the barrier on line"
    start = f"{start} {found.barrier.span.line}, after which thread {reader}"
    if found.other is None:
        return f"{start} reads {element(found.access)}, which no remaining thread wrote"
    did = "read" if found.other.kind is AccessKind.READ else "wrote"
    return (
        f"{start} {verb(found.access.kind)} {element(found.access)}, which thread"
        f" {place(found.other.thread, launch.block)} {did}, and nothing orders the two"
    )
