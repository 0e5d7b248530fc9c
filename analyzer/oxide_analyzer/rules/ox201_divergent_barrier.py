"""Some threads of a block come to a barrier and others do not."""

from __future__ import annotations

from typing import TYPE_CHECKING

from oxide_analyzer.diagnostics import AccessKind, Severity
from oxide_analyzer.rules.rule import Rule
from oxide_analyzer.rules.wording import place, thread

if TYPE_CHECKING:
    from oxide_analyzer.interpreter.outcome import Divergence, WarpDivergence
    from oxide_analyzer.launch import Launch

RULE = Rule("OX201", "divergent-barrier", Severity.ERROR)


def message(found: Divergence | WarpDivergence, launch: Launch, supplied: str | None = None) -> str:
    """One thread waits, the other does not come; `supplied` is the call that has the barrier."""
    other = (
        f"thread {place(found.other.thread, launch.block)}"
        if found.other.block == found.waiting.block
        else thread(found.other, launch)
    )
    where = (
        f"waits at the one on line {found.other.span.line}"
        if found.other.kind is AccessKind.WAIT and found.other.span != found.waiting.span
        else "waits at it in another iteration"
        if found.other.kind is AccessKind.WAIT
        else "comes to the end of the kernel without it"
    )
    barrier = "this barrier" if supplied is None else f"`{supplied}`"
    return f"{thread(found.waiting, launch)} waits at {barrier} while {other} {where}"
