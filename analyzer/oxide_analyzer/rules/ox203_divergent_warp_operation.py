"""Some lanes of a mask come to a warp operation and others do not, or one that is not in it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from oxide_analyzer.diagnostics import AccessKind, Severity
from oxide_analyzer.rules.rule import Rule
from oxide_analyzer.rules.wording import place, thread

if TYPE_CHECKING:
    from oxide_analyzer.interpreter.outcome import OutsideMask, WarpDivergence
    from oxide_analyzer.launch import Launch

RULE = Rule("OX203", "divergent-warp-operation", Severity.ERROR)


def message(found: WarpDivergence, function: str, launch: Launch) -> str:
    """One lane waits, another of its warp and mask does not come."""
    other = place(found.other.thread, launch.block)
    where = (
        f"waits on line {found.other.span.line}"
        if found.other.kind is AccessKind.WAIT and found.other.span != found.waiting.span
        else "waits at it in another iteration or with another mask"
        if found.other.kind is AccessKind.WAIT
        else "comes to the end of the kernel without it"
    )
    return (
        f"{thread(found.waiting, launch)} waits at `{shown(function)}` for thread {other} of its"
        f" warp, which {where}"
    )


def outside_message(found: OutsideMask, function: str, launch: Launch) -> str:
    """A lane that the mask does not hold."""
    return (
        f"{thread(found.event, launch)} comes to `{shown(function)}` as lane {found.lane}, which"
        f" the mask {found.mask:#x} does not hold"
    )


def shown(function: str) -> str:
    """The name that the source has for a warp operation."""
    return function if function == "sync_warp" else f"warp.{function}"
