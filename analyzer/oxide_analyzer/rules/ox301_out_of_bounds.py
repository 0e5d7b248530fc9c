"""Some thread takes an index outside its array."""

from __future__ import annotations

from typing import TYPE_CHECKING

from oxide_analyzer.diagnostics import Severity
from oxide_analyzer.rules.rule import Rule
from oxide_analyzer.rules.wording import element, plural, thread, verb

if TYPE_CHECKING:
    from oxide_analyzer.interpreter.outcome import BadView, OutOfBounds
    from oxide_analyzer.ir.expressions import Spelling
    from oxide_analyzer.launch import Launch

RULE = Rule("OX301", "out-of-bounds", Severity.ERROR)


def view_message(found: BadView, launch: Launch) -> str:
    """The ends of the view, and the length that they leave."""
    event = found.event
    start = f"{thread(event, launch)} takes `{event.array}[{found.start}:{found.stop}]`"
    if found.start < 0 or found.stop < 0:
        return f"{start}, and a negative index is out of bounds"
    if found.start > found.stop:
        return f"{start}, which ends before it begins"
    along = f" along dimension {found.axis}" if found.axis else ""
    return f"{start}, but `{event.array}` has {plural(found.length, 'element')}{along}"


def message(found: OutOfBounds, launch: Launch, rank: int) -> str:
    """The index, the length, and who."""
    event = found.event
    if found.row:
        what = "row" if found.axis == 0 else f"index along dimension {found.axis}"
        start = f"{thread(event, launch)} takes {what} {event.index[0]} of `{event.array}`"
        if event.index[0] < 0:
            return f"{start}, and a negative index is out of bounds"
        return f"{start}, which has {found.length}"
    if found.view:
        start = f"{thread(event, launch)} takes index {event.index[0]} of a view of `{event.array}`"
        if event.index[0] < 0:
            return f"{start}, and a negative index is out of bounds"
        return f"{start} that has {plural(found.length, 'element')}"
    start = f"{thread(event, launch)} {verb(event.kind)} {element(event)}"
    if event.index[found.axis] < 0:
        return f"{start}, and a negative index is out of bounds"
    if event.spelling is not None:
        return f"{start}, but {_extent(found, event.spelling, rank)}"
    if rank == 1:
        return f"{start}, but `{event.array}` has {plural(found.length, 'element')}"
    return f"{start}, but dimension {found.axis} of `{event.array}` has extent {found.length}"


def _extent(found: OutOfBounds, spelling: Spelling, rank: int) -> str:
    """How long an array of records is, or an array in each of them."""
    name, axis, own = spelling.name, found.axis, spelling.rank
    if axis >= own:
        name, axis, own = spelling.element(found.event.index[:own]), axis - own, rank - own
    if own == 1:
        return f"`{name}` has {plural(found.length, 'element')}"
    return f"dimension {axis} of `{name}` has extent {found.length}"
