"""The links of an order that atomics make: what releases, and what is missing.

A link is a release that an acquire reads: an atomic that releases by its order, or behind a
fence, and one that acquires by its order, or with a fence behind it (`looks`). Between blocks
every atomic and every fence of it is of device or system scope.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from oxide_analyzer.facts.conditions import (
    Condition,
    equal,
    negate,
)
from oxide_analyzer.facts.polys import Level
from oxide_analyzer.ir.kernel import DataProperty
from oxide_analyzer.ir.nodes import (
    Atomic,
    Const,
    Order,
    Register,
)
from oxide_analyzer.proof.exits import may_follow
from oxide_analyzer.proof.looks import WIDE, Places
from oxide_analyzer.proof.sequence import dominates, precedes
from oxide_analyzer.record import record

if TYPE_CHECKING:
    from oxide_analyzer.facts.accesses import Access, Position
    from oxide_analyzer.facts.effects import Analysis

_RELEASES = (Order.RELEASE, Order.ACQ_REL)


@record
class Missing:
    """A link that is not there: the atomic `array` neither releases nor acquires.

    The two threads may be of different blocks if it is `across`.
    """

    array: str
    releases: bool
    atomic: Atomic
    across: bool


@record
class Published:
    """Two accesses are ordered if nothing is `missing` and the arrays of `leans` are proved."""

    leans: frozenset[str] = frozenset()
    missing: tuple[Missing, ...] = ()


def releases(places: Places, before: Position, store: Access, across: bool, once: bool) -> bool:
    """Whether what lies before, at `before`, is released by the atomic `store`.

    With `once` both are in one round of the loops round them.
    """
    atomic = store.atomic
    if atomic is None or (across and atomic.scope not in WIDE):
        return False
    if atomic.order in _RELEASES:
        return True
    return any(
        (not across or fence.scope in WIDE)
        and dominates(position, store.position)
        and precedes(before, position)
        and (once or not may_follow(position, before))
        for fence, position in places.fences
    )


def start_of(analysis: Analysis, array: str) -> tuple[int, int] | None:
    """The least and the most that the elements of an array are when the launch starts."""
    found: tuple[int, int] | None = None
    for fact in analysis.kernel.contract.data:
        if fact.array != array or fact.property is not DataProperty.WITHIN:
            continue
        if isinstance(fact.low, Const) and isinstance(fact.high, Const):
            found = (int(fact.low.value), int(fact.high.value) - 1)
    return found


def same(analysis: Analysis, register: Register, one: str, two: str) -> list[Condition]:
    """That the copies `one` and `two` of a thread agree in a register along every axis."""
    terms = analysis.terms
    found: list[Condition] = []
    for axis in range(3):
        place = analysis.launch.register(register, axis)
        found.append(
            equal(terms.rename(place, one, Level.LAUNCH), terms.rename(place, two, Level.LAUNCH))
        )
    return found


def apart(
    analysis: Analysis, registers: tuple[Register, ...], one: str, two: str
) -> list[Condition]:
    """The ways in which the copies `one` and `two` of a thread may differ."""
    return [negate(c) for r in registers for c in same(analysis, r, one, two)]
