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
            return z if math.isfinite(x) and math.isfinite(y) else x * y + z
        exact = Fraction(x) * Fraction(y) + Fraction(z)
        if exact == 0:
            return x * y + z if x == 0 or y == 0 else 0.0
        try:
            near = float(exact)
        except OverflowError:
            return INFINITY if exact > 0 else -INFINITY
        return near if bits == 64 else fit(_to_odd(near, exact))

    return fma


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


def _remainder_to_nearest(x: float, y: float) -> float:
    if y == 0 or not math.isfinite(x) or math.isnan(y):
        return NAN
    return math.remainder(x, y)


def _inverse_root(x: float) -> float:
    if x == 0:
        return math.copysign(INFINITY, x)
    return NAN if x < 0 else 1.0 / math.sqrt(x)


def _cube_root(x: float) -> float:
    """Python's may be several ulp off; one exact step of Newton makes it as good as any."""
    root = math.cbrt(x)
    if not math.isfinite(x) or x == 0:
        return root
    exact = Fraction(root)
    return root + float((Fraction(x) - exact**3) / (3 * exact**2))


def _growing(function: Callable[[float], float], *, odd: bool = False) -> Function:
    """A function that overflows to infinity; an odd one keeps the sign of its operand."""

    def total(x: float) -> float:
        try:
            return function(x)
        except OverflowError:
            return math.copysign(INFINITY, x) if odd else INFINITY

    return total


def _within(
    function: Callable[[float], float],
    low: float = -INFINITY,
    high: float = INFINITY,
    *,
    finite: bool = False,
) -> Function:
    """A function that is undefined elsewhere."""

    def total(x: float) -> float:
        if not low <= x <= high or (finite and math.isinf(x)):
            return NAN
        return function(x)

    return total


def _logarithm(function: Callable[[float], float], pole: float = 0.0) -> Function:
    def total(x: float) -> float:
        if x == pole:
            return -INFINITY
        return function(x) if x > pole else NAN

    return total


def _inverse_tanh(x: float) -> float:
    if abs(x) == 1:
        return math.copysign(INFINITY, x)
    return math.atanh(x) if abs(x) < 1 else NAN


def _power(x: float, y: float) -> float:
    odd = math.isfinite(y) and y == math.floor(y) and math.fmod(y, 2.0) != 0
    try:
        return math.pow(x, y)
    except OverflowError:
        return -INFINITY if x < 0 and odd else INFINITY
    except ValueError:
        # Zero to a negative power has a pole; what is left is negative to no integer.
        if x == 0:
            return math.copysign(INFINITY, x) if odd else INFINITY
        return NAN


def _scaled(x: float, power: float) -> float:
    if math.isnan(power):
        return NAN
    try:
        return math.ldexp(x, int(max(min(power, 4096.0), -4096.0)))
    except OverflowError:
        return math.copysign(INFINITY, x)


def _significand(x: float) -> float:
    return math.frexp(x)[0]


def _exponent(x: float) -> float:
    return float(math.frexp(x)[1])


def _gamma(x: float) -> float:
    if x == 0:
        return math.copysign(INFINITY, x)
    if x < 0 and (math.isinf(x) or x == math.floor(x)):
        return NAN
    # It overflows for large numbers, and for those next to 0.
    return _growing(math.gamma, odd=True)(x)


def _log_gamma(x: float) -> float:
    if math.isinf(x) or (x <= 0 and x == math.floor(x)):
        return INFINITY
    return _growing(math.lgamma)(x)


FUNCTIONS: dict[MathFunction, Any] = {
    MathFunction.SQRT: _square_root,
    MathFunction.FLOOR: _whole(math.floor),
    MathFunction.CEIL: _whole(math.ceil),
    MathFunction.TRUNC: _whole(math.trunc),
    MathFunction.ROUND: _whole(round),
    MathFunction.FMOD: _remainder_towards_zero,
    MathFunction.COPYSIGN: math.copysign,
    MathFunction.LDEXP: _scaled,
    MathFunction.SIGNIFICAND: _significand,
    MathFunction.EXPONENT: _exponent,
    MathFunction.REMAINDER: _remainder_to_nearest,
    MathFunction.RSQRT: _inverse_root,
    MathFunction.CBRT: _cube_root,
    MathFunction.HYPOT: math.hypot,
    MathFunction.EXP: _growing(math.exp),
    MathFunction.EXP2: _growing(math.exp2),
    MathFunction.EXPM1: _growing(math.expm1),
    MathFunction.LOG: _logarithm(math.log),
    MathFunction.LOG2: _logarithm(math.log2),
    MathFunction.LOG10: _logarithm(math.log10),
    MathFunction.LOG1P: _logarithm(math.log1p, -1.0),
    MathFunction.POW: _power,
    MathFunction.SIN: _within(math.sin, finite=True),
    MathFunction.COS: _within(math.cos, finite=True),
    MathFunction.TAN: _within(math.tan, finite=True),
    MathFunction.ASIN: _within(math.asin, -1.0, 1.0),
    MathFunction.ACOS: _within(math.acos, -1.0, 1.0),
    MathFunction.ATAN: math.atan,
    MathFunction.ATAN2: math.atan2,
    MathFunction.SINH: _growing(math.sinh, odd=True),
    MathFunction.COSH: _growing(math.cosh),
    MathFunction.TANH: math.tanh,
    MathFunction.ASINH: math.asinh,
    MathFunction.ACOSH: _within(math.acosh, 1.0),
    MathFunction.ATANH: _inverse_tanh,
    MathFunction.ERF: math.erf,
    MathFunction.ERFC: math.erfc,
    MathFunction.GAMMA: _gamma,
    MathFunction.LGAMMA: _log_gamma,
}
