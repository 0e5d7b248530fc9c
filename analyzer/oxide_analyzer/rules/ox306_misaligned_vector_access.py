"""Several neighbouring elements at once, from an offset that is no multiple of their number."""

from __future__ import annotations

from typing import TYPE_CHECKING

from oxide_analyzer.diagnostics import Severity
from oxide_analyzer.rules.rule import Rule
from oxide_analyzer.rules.wording import thread

if TYPE_CHECKING:
    from oxide_analyzer.interpreter.outcome import Misaligned
    from oxide_analyzer.launch import Launch

RULE = Rule("OX306", "misaligned-vector-access", Severity.ERROR)


def message(found: Misaligned, launch: Launch) -> str:
    """Where it starts, and for whom."""
    (offset,) = found.event.index[:1] or (0,)
    return (
        f"{thread(found.event, launch)} accesses {found.width} elements of"
        f" `{found.event.array}` at once from offset {offset}, which is no multiple of"
        f" {found.width}"
    )


def unproved_message(array: str, width: int) -> str:
    """The offset may be anything."""
    return (
        f"the offset of these {width} elements of `{array}` is not proved to be a multiple of"
        f" {width}; it is checked at run time"
    )
