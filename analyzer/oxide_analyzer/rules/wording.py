"""How findings name threads and elements, and what they do: one wording for all rules."""

from __future__ import annotations

from typing import TYPE_CHECKING

from oxide_analyzer.diagnostics import AccessKind

if TYPE_CHECKING:
    from oxide_analyzer.interpreter.outcome import Event
    from oxide_analyzer.launch import Extent, Launch

_VERBS = {
    AccessKind.READ: "reads",
    AccessKind.WRITE: "writes",
    AccessKind.ATOMIC: "changes",
    AccessKind.WAIT: "waits at",
    AccessKind.EXIT: "leaves at",
}


def verb(kind: AccessKind) -> str:
    """What a thread does, in the third person."""
    return _VERBS[kind]


def element(event: Event) -> str:
    """The element that an event touches, as code."""
    return f"`{event.element}`"


def place(index: Extent, extent: Extent) -> str:
    """An index, as short as the launch allows: `3`, or `(3, 1, 0)`."""
    return str(index[0]) if extent[1] == extent[2] == 1 else str(index)


def thread(event: Event, launch: Launch) -> str:
    """One thread with its block."""
    own = place(event.thread, launch.block)
    return f"thread {own} of block {place(event.block, launch.grid)}"


def threads(first: Event, second: Event, launch: Launch) -> str:
    """Two threads in the order of their numbers, with their block once where they share it."""
    first, second = sorted((first, second), key=lambda e: (e.block[::-1], e.thread[::-1]))
    if first.block != second.block:
        return f"{thread(first, launch)} and {thread(second, launch)}"
    one, two = place(first.thread, launch.block), place(second.thread, launch.block)
    return f"threads {one} and {two} of block {place(first.block, launch.grid)}"


def plural(count: int, noun: str) -> str:
    """`1 element`, `3 elements`."""
    return f"{count} {noun}" if count == 1 else f"{count} {noun}s"
