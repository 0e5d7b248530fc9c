"""What one thread knows at one place: the values of its locals, and what led there."""

from __future__ import annotations

from dataclasses import field
from typing import TYPE_CHECKING, TypeAlias

from oxide_analyzer.facts.conditions import FALSE, TRUE, AllOf, Condition, condition_level
from oxide_analyzer.facts.polys import Level, Poly
from oxide_analyzer.record import record

if TYPE_CHECKING:
    from oxide_analyzer.facts.under_way import UnderWay


@record
class Real:
    """A float of which only equality and level are known.

    Equal keys are equal values where the `parts`, integers that it is computed from, are equal.
    `own_level` is for whom the rest is one value.
    """

    key: tuple[str, ...]
    parts: tuple[Poly, ...]
    own_level: Level

    @property
    def level(self) -> Level:
        """For whom it is one value."""
        return max((self.own_level, *(p.level for p in self.parts)))


Value: TypeAlias = Poly | Condition | Real
Interval: TypeAlias = tuple[int | None, int | None]


def times(left: Interval, right: Interval) -> Interval:
    """Numbers between which a product lies."""
    if None in left or None in right:
        both = [left[0], right[0]]
        if all(low is not None and low >= 0 for low in both):
            low = (left[0] or 0) * (right[0] or 0)
            return low, None
        return None, None
    corners = [a * b for a in left for b in right if a is not None and b is not None]
    return min(corners), max(corners)


def value_level(value: Value) -> Level:
    """For whom a value is one."""
    match value:
        case Poly():
            return value.level
        case Real():
            return value.level
        case _:
            return condition_level(value)


@record
class Scan:
    """What a thread brought to a sum over the lanes of a warp, and what led it there.

    An `exclusive` one leaves out what the thread itself has brought.
    """

    value: Poly
    exclusive: bool
    path: tuple[Condition, ...]


@record
class State:
    """What one thread knows at one place: its locals and the conditions that led there.

    A name that is missing in `values` was not assigned. `unassigned` holds, for a local that may
    be unassigned here, the condition under which it is assigned. `under_way` are stores of copies
    that the thread may not have waited for.
    """

    values: dict[str, Value]
    path: tuple[Condition, ...]
    unassigned: dict[str, Condition] = field(default_factory=dict[str, Condition])
    under_way: tuple[UnderWay, ...] = ()

    def assign(self, name: str, value: Value) -> State:
        """The state behind `name = value`."""
        values = dict(self.values)
        values[name] = value
        if name not in self.unassigned:
            return State(values, self.path, self.unassigned, self.under_way)
        unassigned = {k: c for k, c in self.unassigned.items() if k != name}
        return State(values, self.path, unassigned, self.under_way)

    def under(self, condition: Condition) -> State | None:
        """The state where `condition` holds too, or None where it cannot."""
        if condition == TRUE:
            return self
        if condition == FALSE:
            return None
        added = condition.parts if isinstance(condition, AllOf) else (condition,)
        return State(self.values, (*self.path, *added), self.unassigned, self.under_way)
