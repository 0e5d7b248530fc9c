"""Functions of floats, total: what Python refuses is what IEEE 754 says.

Python's `math` raises where a result is infinite or undefined; a kernel gets infinity or NaN.

    sqrt(-1.0)      ->  nan
    exp(1e9)        ->  inf
    log(0.0)        ->  -inf
    fma(x, y, z)        x * y + z of rational numbers, rounded once

The exact functions (`MathFunction.is_exact`) are the results that every device must give. Of the
others these are doubles that Python computes, an ulp or so from the truth; a device may differ
by its documented error.
"""

from __future__ import annotations

import math
from fractions import Fraction
from typing import TYPE_CHECKING, Any, TypeAlias

from oxide_analyzer.ir.expressions import MathFunction

if TYPE_CHECKING:
    from collections.abc import Callable

Function: TypeAlias = "Callable[..., float]"

INFINITY = math.inf
NAN = math.nan


def multiply_add(fit: Callable[[float], float], bits: int) -> Function:
    """`x * y + z` rounded once to a type of `bits`; `fit` rounds a double to it."""

    def fma(x: float, y: float, z: float) -> float:
        if not (math.isfinite(x) and math.isfinite(y) and math.isfinite(z)):
            return _product(x, y) + z
        exact = Fraction(x) * Fraction(y) + Fraction(z)
        if exact == 0:
            return x * y + z if x == 0 or y == 0 else 0.0
        try:
            near = float(exact)
        except OverflowError:
            return INFINITY if exact > 0 else -INFINITY
        return near if bits == 64 else fit(_to_odd(near, exact))

    return fma


def _product(x: float, y: float) -> float:
    return NAN if math.isnan(x) or math.isnan(y) else x * y


def _to_odd(near: float, exact: Fraction) -> float:
    """Of the doubles beside `exact` the odd one: to round that again is to round once."""
    rest = exact - Fraction(near)
    if rest == 0:
        return near if near != 0 else math.copysign(5e-324, exact.numerator)
    even = int(abs(math.frexp(near)[0]) * 2**53) % 2 == 0
    if abs(near) < 2.0**-1022:
        even = int(abs(near) / 5e-324) % 2 == 0
    return math.nextafter(near, INFINITY if rest > 0 else -INFINITY) if even else near


def _square_root(x: float) -> float:
    return NAN if x < 0 else math.sqrt(x)


def _whole(function: Callable[[float], int]) -> Function:
    """Towards an integer, which keeps the sign of what became zero."""

    def rounded(x: float) -> float:
        if not math.isfinite(x):
            return x
        return math.copysign(float(function(x)), x)

    return rounded


def _remainder_towards_zero(x: float, y: float) -> float:
    if y == 0 or not math.isfinite(x) or math.isnan(y):
        return NAN
    return math.fmod(x, y)


def _growing(function: Callable[[float], float], overflow: float = INFINITY) -> Function:
    """A function that Python lets overflow, to `overflow` or, below zero, with its sign."""

    def total(x: float) -> float:
        try:
            return function(x)
        except OverflowError:
            return overflow

    return total


FUNCTIONS: dict[MathFunction, Any] = {
    MathFunction.SQRT: _square_root,
    MathFunction.FLOOR: _whole(math.floor),
    MathFunction.CEIL: _whole(math.ceil),
    MathFunction.TRUNC: _whole(math.trunc),
    MathFunction.ROUND: _whole(round),
    MathFunction.FMOD: _remainder_towards_zero,
    MathFunction.COPYSIGN: math.copysign,
    MathFunction.EXP: _growing(math.exp),
}
