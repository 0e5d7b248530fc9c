"""What is known of constant arrays: the numbers that stand in them.

    STEPS = (0, 8, 16, 24)        STEPS[k] is 8·k, for every k inside
    PRIMES = (2, 3, 5, 7)         PRIMES[k] lies between 2 and 7, PRIMES[1] is 3

A table of which some number is not known yet, a symbol, says nothing but its type.
"""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING

from oxide_analyzer.facts.intervals import Interval
from oxide_analyzer.ir.nodes import Const, Space

if TYPE_CHECKING:
    from oxide_analyzer.facts.polys import Poly
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


def progression(values: tuple[int, ...]) -> tuple[int, int] | None:
    """`start` and `step` of numbers that are `start + step * k`."""
    step = values[1] - values[0] if len(values) > 1 else 0
    even = all(b - a == step for a, b in pairwise(values))
    return (values[0], step) if even else None


def known_place(array: Array, index: tuple[Poly, ...]) -> int | None:
    """Which element a constant index names; None if it is none, or outside."""
    place = 0
    for poly, extent in zip(index, array.shape, strict=True):
        value = poly.value
        if value is None or not isinstance(extent, Const) or not 0 <= value < extent.value:
            return None
        place = place * int(extent.value) + value
    return place
