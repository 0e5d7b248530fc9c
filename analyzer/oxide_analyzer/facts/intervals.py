"""Intervals of integers, and the operators of the language on them.

Every function gives an interval that holds the result for all operands in the given ones, in
the arithmetic of the type: what may wrap is everything the type holds.

    [0, 10] + [5, 5]        ->  [5, 15]
    [0, 2**31 - 1] + [1, 1] ->  i32: everything;  i64: [1, 2**31]
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from oxide_analyzer.ir.nodes import BinaryOp, CompareOp, UnaryOp
from oxide_analyzer.ir.operators import MIRRORED
from oxide_analyzer.record import record

if TYPE_CHECKING:
    from collections.abc import Callable

    from oxide_analyzer.language.types import Scalar


@record
class Interval:
    """Inclusive at both ends, never empty."""

    low: int
    high: int

    @property
    def literal(self) -> int | None:
        """The only value there is, if there is one."""
        return self.low if self.low == self.high else None

    def excludes(self, value: int) -> bool:
        """Whether `value` lies outside."""
        return not self.low <= value <= self.high

    def within(self, low: int, high: int) -> bool:
        """Whether all of it lies in another interval."""
        return low <= self.low and self.high <= high

    def join(self, other: Interval) -> Interval:
        """The least interval that holds both."""
        return Interval(min(self.low, other.low), max(self.high, other.high))


BIT = Interval(0, 1)
ZERO = Interval(0, 0)


def whole(scalar: Scalar) -> Interval:
    """All values of an integer type, or of bool."""
    return Interval(scalar.min, scalar.max)


def fitted(interval: Interval, scalar: Scalar) -> Interval:
    """An exact result in its type: as it is where it fits, else anything."""
    return interval if interval.within(scalar.min, scalar.max) else whole(scalar)


def unary(op: UnaryOp, a: Interval, scalar: Scalar) -> Interval:
    """`op a`."""
    match op:
        case UnaryOp.NEG:
            return fitted(Interval(-a.high, -a.low), scalar)
        case UnaryOp.INVERT:
            return fitted(Interval(-a.high - 1, -a.low - 1), scalar)
        case UnaryOp.ABS:
            low = 0 if a.low <= 0 <= a.high else min(abs(a.low), abs(a.high))
            return fitted(Interval(low, max(abs(a.low), abs(a.high))), scalar)
        case UnaryOp.CLZ if a.low >= 0:
            zeros = scalar.bits - a.high.bit_length()
            return Interval(zeros, scalar.bits - a.low.bit_length())
        case UnaryOp.CLZ:
            return Interval(0, scalar.bits)
        case UnaryOp.POPC:
            return Interval(0, a.high.bit_length() if a.low >= 0 else scalar.bits)
        case UnaryOp.BREV:
            return whole(scalar)


def binary(op: BinaryOp, a: Interval, b: Interval, scalar: Scalar) -> Interval:
    """`a op b`."""
    return _BINARY[op](a, b, scalar)


def compare(op: CompareOp, a: Interval, b: Interval) -> Interval:
    """`a op b`, as 0 and 1."""
    if op in (CompareOp.GT, CompareOp.GE):
        return compare(MIRRORED[op], b, a)
    if op is CompareOp.NE:
        equal = compare(CompareOp.EQ, a, b)
        return Interval(1 - equal.high, 1 - equal.low)
    if op is CompareOp.EQ:
        if a.literal is not None and a == b:
            return Interval(1, 1)
        return ZERO if a.high < b.low or b.high < a.low else BIT
    strict = op is CompareOp.LT
    if a.high < b.low or (not strict and a.high == b.low):
        return Interval(1, 1)
    return ZERO if b.high < a.low or (strict and b.high == a.low) else BIT


def restricted(a: Interval, op: CompareOp, b: Interval) -> Interval | None:
    """Those of `a` for which `a op b` can hold, None if there are none."""
    low, high = a.low, a.high
    match op:
        case CompareOp.EQ:
            low, high = max(low, b.low), min(high, b.high)
        case CompareOp.NE:
            if b.literal is not None:
                low, high = low + (low == b.low), high - (high == b.high)
        case CompareOp.LT:
            high = min(high, b.high - 1)
        case CompareOp.LE:
            high = min(high, b.high)
        case CompareOp.GT:
            low = max(low, b.low + 1)
        case CompareOp.GE:
            low = max(low, b.low)
    return Interval(low, high) if low <= high else None


# ---------------------------------------------------------------- operators


def _corners(
    function: Callable[[int, int], int], a: Interval, b: Interval, scalar: Scalar
) -> Interval:
    """Of a function that is monotonous in each operand."""
    values = [function(x, y) for x in (a.low, a.high) for y in (b.low, b.high)]
    return fitted(Interval(min(values), max(values)), scalar)


def _floor_division(a: Interval, b: Interval, scalar: Scalar) -> Interval:
    parts = [_corners(int.__floordiv__, a, divisor, scalar) for divisor in _nonzero(b)]
    return _joined(parts, zero=not b.excludes(0))


def _modulo(a: Interval, b: Interval, scalar: Scalar) -> Interval:
    del scalar
    parts: list[Interval] = []
    for divisor in _nonzero(b):
        if divisor.low > 0:
            if a.within(0, divisor.low - 1):
                parts.append(a)
            else:
                most = divisor.high - 1
                parts.append(Interval(0, min(most, a.high) if a.low >= 0 else most))
        else:
            parts.append(Interval(divisor.low + 1, 0))
    return _joined(parts, zero=not b.excludes(0))


def _nonzero(b: Interval) -> list[Interval]:
    """The negative and the positive part of a divisor."""
    parts: list[Interval] = []
    if b.low < 0:
        parts.append(Interval(b.low, min(b.high, -1)))
    if b.high > 0:
        parts.append(Interval(max(b.low, 1), b.high))
    return parts


def _joined(parts: list[Interval], *, zero: bool) -> Interval:
    first, *rest = [*parts, ZERO] if zero else parts
    for part in rest:
        first = first.join(part)
    return first


def _and(a: Interval, b: Interval, scalar: Scalar) -> Interval:
    tops = [interval.high for interval in (a, b) if interval.low >= 0]
    return Interval(0, min(tops)) if tops else whole(scalar)


def _or(a: Interval, b: Interval, scalar: Scalar) -> Interval:
    if a.low < 0 or b.low < 0:
        return whole(scalar)
    return Interval(0, (1 << max(a.high, b.high).bit_length()) - 1)


def _shift_left(a: Interval, b: Interval, scalar: Scalar) -> Interval:
    if not b.within(0, scalar.bits - 1):
        return whole(scalar)
    return _corners(int.__lshift__, a, b, scalar)


def _shift_right(a: Interval, b: Interval, scalar: Scalar) -> Interval:
    if b.within(0, scalar.bits - 1):
        return _corners(int.__rshift__, a, b, scalar)
    return a.join(Interval(-1 if a.low < 0 else 0, 0))


def _minimum(a: Interval, b: Interval, scalar: Scalar) -> Interval:
    del scalar
    return Interval(min(a.low, b.low), min(a.high, b.high))


def _maximum(a: Interval, b: Interval, scalar: Scalar) -> Interval:
    del scalar
    return Interval(max(a.low, b.low), max(a.high, b.high))


_BINARY: dict[BinaryOp, Callable[[Interval, Interval, Scalar], Interval]] = {
    BinaryOp.ADD: lambda a, b, s: fitted(Interval(a.low + b.low, a.high + b.high), s),
    BinaryOp.SUB: lambda a, b, s: fitted(Interval(a.low - b.high, a.high - b.low), s),
    BinaryOp.MUL: lambda a, b, s: _corners(int.__mul__, a, b, s),
    BinaryOp.DIV: lambda a, b, s: whole(s),
    BinaryOp.FLOORDIV: _floor_division,
    BinaryOp.MOD: _modulo,
    BinaryOp.AND: _and,
    BinaryOp.OR: _or,
    BinaryOp.XOR: _or,
    BinaryOp.SHL: _shift_left,
    BinaryOp.SHR: _shift_right,
    BinaryOp.POW: lambda a, b, s: whole(s),
    BinaryOp.MIN: _minimum,
    BinaryOp.MAX: _maximum,
}
