"""Whole numbers of host code: what is known of a size by the source alone.

    n                     Symbol("n")
    (n + 255) // 256      Whole("//", Whole("+", n, 255), 256)
    ceil(n / 256)         Whole("ceil", n, 256)

A number that is known by nothing else is a `Symbol` with a name of its own: two places that see the
same one see one value.
"""

from __future__ import annotations

import operator
from typing import TYPE_CHECKING, TypeAlias

from oxide_analyzer.record import record

if TYPE_CHECKING:
    from collections.abc import Callable

_MOST_TRIED = 64
_EVALUATED: dict[str, Callable[[int, int], int]] = {
    "+": operator.add,
    "-": operator.sub,
    "*": operator.mul,
    "%": operator.mod,
}


@record
class Symbol:
    """A whole number that is known by its name alone, or between two others, `above` excluded."""

    name: str
    least: Size | None = None
    above: Size | None = None


@record
class Whole:
    """`op` of whole numbers: an operator of Python's, `ceil` (a division, rounded up), min, max."""

    op: str
    left: Size
    right: Size


Size: TypeAlias = int | Symbol | Whole


def computed(op: str, left: Size, right: Size) -> Size:
    """An operator on two sizes."""
    if isinstance(left, int) and isinstance(right, int):
        if op in ("min", "max"):
            return min(left, right) if op == "min" else max(left, right)
        if op in ("ceil", "//") and right > 0:
            return -(-left // right) if op == "ceil" else left // right
    return Whole(op, left, right)


def names_of(size: Size) -> frozenset[str]:
    """The names of which a size is made."""
    match size:
        case int():
            return frozenset()
        case Symbol(name=name):
            return frozenset((name,))
        case Whole(left=left, right=right):
            return names_of(left) | names_of(right)


def with_names(size: Size, by: str) -> Size:
    """The size whose names are those of another moment, or another object."""
    match size:
        case int():
            return size
        case Symbol(name=name, least=least, above=above):
            ends = [None if end is None else with_names(end, by) for end in (least, above)]
            return Symbol(by + name, *ends)
        case Whole(op=op, left=left, right=right):
            return Whole(op, with_names(left, by), with_names(right, by))


def differs(size: Size) -> bool:
    """Whether a number is made by a subtraction, which may leave less than nothing."""
    match size:
        case Whole(op=op, left=left, right=right):
            return op == "-" or differs(left) or differs(right)
        case _:
            return False


def divides(size: Size) -> bool:
    """Whether a number is made of a quotient, and so may be no whole one."""
    match size:
        case Whole(op="/"):
            return True
        case Whole(op="+" | "-" | "*" | "%" | "min" | "max", left=left, right=right):
            return divides(left) or divides(right)
        case _:
            return False


# ---------------------------------------------------------------- parts of one axis


def may_touch(one: tuple[Size, Size], other: tuple[Size, Size]) -> bool:
    """Whether two parts of an axis, each from one index up to another, may have one in common."""
    if _ends_before(one[1], other[0]) or _ends_before(other[1], one[0]):
        return False
    are_indices = all(high == Whole("+", low, 1) for low, high in (one, other))
    return not (are_indices and _never_equal(one[0], other[0]))


def _ends_before(end: Size, begin: Size) -> bool:
    """Whether a part up to `end` lies in front of one from `begin` on: `x[:n]`, `x[n:]`."""
    if isinstance(end, int) and isinstance(begin, int) and min(end, begin) >= 0:
        return end <= begin
    return end == begin


def _never_equal(one: Size, other: Size) -> bool:
    """Whether two indices are those of different elements whatever their names hold: `i` and
    `i + 1`, `i % 2` and `(i + 1) % 2`."""
    for size, base in ((one, other), (other, one)):
        match size:
            case Whole(op="+", left=left, right=int() as by) if left == base and by > 0:
                return True
            case Whole(op="-", left=left, right=1) if left == base:
                return True
            case _:
                pass
    names = names_of(one) | names_of(other)
    period = _period(one) * _period(other)
    if len(names) != 1 or not 0 < period <= _MOST_TRIED:
        return False
    # Below zero they would count from behind.
    pairs = [(_at(one, number), _at(other, number)) for number in range(period)]
    return all(first != second and min(first, second) >= 0 for first, second in pairs)


def _period(size: Size) -> int:
    """After how many steps of its one name a number is the same again; 0 if nobody knows."""
    match size:
        case int():
            return 1
        case Symbol():
            return 0
        case Whole(op="%", left=left, right=int() as by) if by > 0 and _is_linear(left):
            return by
        case Whole(op="+" | "-" | "*", left=left, right=right):
            return _period(left) * _period(right)
        case _:
            return 0


def _is_linear(size: Size) -> bool:
    match size:
        case int() | Symbol():
            return True
        case Whole(op="+" | "-" | "*", left=left, right=right):
            return _is_linear(left) and _is_linear(right)
        case _:
            return False


def _at(size: Size, number: int) -> int:
    match size:
        case int():
            return size
        case Symbol():
            return number
        case Whole(op=op, left=left, right=right):
            return _EVALUATED[op](_at(left, number), _at(right, number))
