"""What is known at a place of host code: what names hold, and what has become of objects.

    if fast:
        b.free()            b is freed
    ...                     nobody knows whether b is freed: nothing is known of it

Where ways meet, what they do not agree on is unknown.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, TypeVar

from oxide_analyzer.host.values import UNKNOWN, Thing, Value, things_in
from oxide_analyzer.record import record

if TYPE_CHECKING:
    from collections.abc import Iterable

    from oxide_analyzer.source import Span

T = TypeVar("T")


@record
class Use:
    """What an object was used up by: where, and in which words."""

    span: Span
    what: str


@record
class Flight:
    """What writes memory by now: where it was enqueued, and on which stream."""

    span: Span
    stream: int


@dataclass(slots=True)
class State:
    """Names of one function, and what has become of objects, by their numbers."""

    names: dict[str, Value] = field(default_factory=dict[str, Value])
    freed: dict[int, Use] = field(default_factory=dict[int, Use])
    taken: dict[int, Use] = field(default_factory=dict[int, Use])
    flights: dict[int, Flight] = field(default_factory=dict[int, Flight])
    # What `with oxide.device(…)` says; None where nobody knows.
    device: str | None = None

    def copy(self) -> State:
        """The same, to go another way."""
        return State(
            dict(self.names), dict(self.freed), dict(self.taken), dict(self.flights), self.device
        )

    def inner(self, names: dict[str, Value]) -> State:
        """The same objects, seen from another function."""
        return State(names, self.freed, self.taken, self.flights, self.device)


def met(ways: Iterable[State]) -> tuple[State | None, list[Thing]]:
    """What several ways have in common, None if there is none; the objects that names lost."""
    several = list(ways)
    if not several:
        return None, []
    found = several[0].copy()
    lost: list[Thing] = []
    for other in several[1:]:
        for name in found.names.keys() | other.names.keys():
            one, two = found.names.get(name, UNKNOWN), other.names.get(name, UNKNOWN)
            if one is two or one == two:
                continue
            lost += [*things_in(one), *things_in(two)]
            found.names[name] = UNKNOWN
        found.freed = _both(found.freed, other.freed)
        found.taken = _both(found.taken, other.taken)
        found.flights = _both(found.flights, other.flights)
        if found.device != other.device:
            found.device = None
    return found, lost


def same(one: State, other: State) -> bool:
    """Whether two places know the same; of what has become of objects, not since where."""
    return (
        one.names == other.names
        and one.freed.keys() == other.freed.keys()
        and one.taken.keys() == other.taken.keys()
        and one.flights.keys() == other.flights.keys()
        and one.device == other.device
    )


def _both(one: dict[int, T], other: dict[int, T]) -> dict[int, T]:
    return {number: what for number, what in one.items() if number in other}
