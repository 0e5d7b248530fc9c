"""What is known of constant arrays: the numbers that stand in them.

    STEPS = (0, 8, 16, 24)        STEPS[k] is 8·k, for every k inside
    PRIMES = (2, 3, 5, 7)         PRIMES[k] lies between 2 and 7, PRIMES[1] is 3

A table of which some number is not known yet, a symbol, says nothing but its type.
"""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING

from oxide_analyzer.facts.intervals import Interval
from oxide_analyzer.facts.polys import constant
from oxide_analyzer.ir.nodes import Const, Space

if TYPE_CHECKING:
    from oxide_analyzer.facts.polys import Level, Poly
    from oxide_analyzer.facts.state import Value
    from oxide_analyzer.facts.values import Evaluator
    from oxide_analyzer.ir.nodes import Array


def table_of(array: Array) -> tuple[int, ...] | None:
    """The integers of a constant array, in C order, if all are known."""
    if array.space is not Space.CONSTANT or not array.element.is_integer:
        return None
    found = tuple(int(e.value) for e in array.contents if isinstance(e, Const))
    return found if found and len(found) == len(array.contents) else None


def span_of(array: Array) -> Interval | None:
    """Between which numbers the elements lie, with 0, which a load outside may give."""
    values = table_of(array)
    return None if values is None else Interval(min(0, *values), max(0, *values))


def looked_up(
    evaluator: Evaluator, array: Array, index: tuple[Poly, ...], level: Level, *, vouched: bool
) -> Value:
    """An element of a table: exactly where the index is known, or the table a progression.

    Of an index of which `unsafe` says that it is inside (`vouched`) nothing follows.
    """
    what = f"an element of `{array.name}`"
    values = table_of(array)
    if values is None or vouched:
        return evaluator.unknown(array.element, level, array.name, what)
    rising = progression(values)
    if rising is not None and len(index) == 1:
        start, step = rising
        return index[0].scale(step).shift(start)
    place = known_place(array, index)
    if place is not None:
        return constant(values[place])
    return evaluator.havoc(array.name, level, min(values), max(values), what)


def progression(values: tuple[int, ...]) -> tuple[int, int] | None:
    """`start` and `step` of numbers that are `start + step * k`."""
    steps = {following - one for one, following in pairwise(values)}
    if len(steps) > 1:
        return None
    return values[0], steps.pop() if steps else 0


def known_place(array: Array, index: tuple[Poly, ...]) -> int | None:
    """Which element a constant index names; None if it is none, or outside."""
    place = 0
    for poly, extent in zip(index, array.shape, strict=True):
        value = poly.value
        if value is None or not isinstance(extent, Const) or not 0 <= value < extent.value:
            return None
        place = place * int(extent.value) + value
    return place
