"""The gamma function and its logarithm, in doubles.

    Γ, |x| < 10     Γ of 2 to 3 by a polynomial, moved there by Γ(x + 1) = x·Γ(x)
    Γ, beyond       exp((x - ½)·log x - x + ½·log 2π + S(1/x)), the exponent as a pair of doubles
    log Γ, to 3     (x - 1)·(x - 2)·P(x - 2), so nothing is lost at its zeros 1 and 2
    log Γ, to 10    the same, and the logarithm of the product that moved it there
    log Γ, beyond   the exponent from above
    below 0         by reflection: Γ(x)·Γ(-x) = -π / (x·sin πx)

The polynomials interpolate at Chebyshev nodes, S is Stirling's series. Near its zeros below 0 what
is small of log Γ is the error, not the error beside the result.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from oxide_codegen.lowering.exponentials import exact_log, exponential_of_pair, log
from oxide_codegen.lowering.formulas import absolute, fma, nearest, polynomial, where
from oxide_codegen.lowering.trigonometry import sine_of_half_turns

if TYPE_CHECKING:
    from oxide_codegen.lowering.formulas import Code, Term

_INFINITY, _NAN = math.inf, math.nan
# Of x - 5/2, where x is from 2 to 3.
_GAMMA = (
    3.329125646482475e-08,
    -8.312435079672132e-08,
    1.685124864158984e-07,
    -4.1777172328856477e-07,
    1.0829914823314093e-06,
    -2.5623512284561174e-06,
    7.253750203859473e-06,
    -1.28013080342882e-05,
    6.132998881756122e-05,
    3.941751363613351e-06,
    0.0007544741279764075,
    0.0016074004868597799,
    0.010392403425935072,
    0.028360780594778156,
    0.10967323400215975,
    0.25387124684114376,
    0.6545585779813368,
    0.9347345216260855,
    1.329340388179137,
)
# Of x - 2, where x is from 1 to 3.
_LOG_GAMMA = (
    -2.0542420991550905e-10,
    4.226016675377439e-10,
    6.705737026247826e-10,
    -1.3764318718154119e-09,
    -2.372580625023415e-09,
    4.885761922683655e-09,
    3.613371593815743e-10,
    -6.830399052794191e-10,
    -1.2569945435720683e-08,
    2.615457216445561e-08,
    -4.17254430301382e-08,
    8.75360413423732e-08,
    -1.9252286332850674e-07,
    4.0551922127948146e-07,
    -8.526588188526563e-07,
    1.8074775340912791e-06,
    -3.847396648270243e-06,
    8.222342452139818e-06,
    -1.766166422556033e-05,
    3.8168863787885225e-05,
    -8.30951276372239e-05,
    0.00018255264185594036,
    -0.00040570739742046497,
    0.0009153769220696921,
    -0.002108130833958805,
    0.004998641164703528,
    -0.012384192193371238,
    0.03296500062115574,
    -0.10031730167435392,
    0.42278433509846713,
)
# B₂ₖ / (2k·(2k - 1)), of 1/x².
_STIRLING = (
    0.17964437236883057,
    -0.029550653594771242,
    0.00641025641025641,
    -0.0019175269175269176,
    0.0008417508417508417,
    -0.0005952380952380953,
    0.0007936507936507937,
    -0.002777777777777778,
    0.08333333333333333,
)
# ½·log 2π as a pair.
_SCALE, _SCALE_REST = float.fromhex("0x1.d67f1c864beb5p-1"), float.fromhex("-0x1.65b5a1b7ff5dfp-55")
_FAR = 10.0
# Γ is beyond the largest double from here on, and one divided by it 0.
_TOP = 190.0
# Below this |x|, Γ(x) is 1/x, and the products of the reflection are no normal numbers.
_TINY = 1e-150
# Every double beyond is an integer.
_WHOLE = 2.0**52


def gamma(code: Code, x: Term) -> Term:
    """The gamma function."""
    del code
    size = absolute(x)
    near, far = size < _FAR, where(size < _FAR, _FAR, where(size < _TOP, size, _TOP))
    small = where(near, where(size < _TINY, 1.0, size), 1.0)
    value, high_low = _near(small), _exponent(far)
    high, low = high_low
    sine = _sine(size)
    above = where(near, value, exponential_of_pair(high, low, x.like(1.0)))
    reflected = -math.pi / sine
    # One divided by Γ is subnormal where the result is: it takes the factor before it is scaled.
    below = where(
        near,
        reflected / (small * value),
        exponential_of_pair(-high, -low, reflected / far),
    )
    result = where(x < 0.0, below, above)
    result = where(x > 175.0, _INFINITY, result)
    result = where(size < _TINY, 1.0 / x, result)
    return where(_is_pole(x) | x.equals(-_INFINITY), _NAN, where(x.differs(x), x, result))


def lgamma(code: Code, x: Term) -> Term:
    """The logarithm of the magnitude of the gamma function."""
    size = absolute(x)
    near, huge = size < _FAR, size > 1e15
    small = where(near, size, 1.0)
    low_end = small < 1.0
    moved, product = _moved(small)
    place = where(low_end, small - 1.0, moved - 2.0)
    # (x - 1)·(x - 2); moved up by one, x·(x - 1).
    zeros = where(low_end, small, moved - 1.0) * place
    stays = product.equals(1.0)
    factor = where(low_end, where(small < _TINY, _TINY, small), product)
    logarithm = log(code, factor)
    logarithm = where(low_end, -logarithm, where(stays, 0.0, logarithm))
    value = fma(zeros, polynomial(place, _LOG_GAMMA), logarithm)
    high, low = _exponent(where(near, _FAR, where(huge, 1e15, size)))
    # Stirling's series and the scale are nothing beside so much.
    most = size * (log(code, where(huge, size, 1.0)) - 1.0)
    above = where(near, value, where(huge, most, high + low))
    tiny = size < _TINY
    sine = absolute(_sine(size))
    below = -log(code, size * sine * (1.0 / math.pi)) - above
    result = where(x < 0.0, below, above)
    result = where(tiny, -log(code, size), result)
    infinite = _is_pole(x) | size.equals(_INFINITY) | size.equals(0.0)
    return where(x.differs(x), x, where(infinite, _INFINITY, result))


def _is_pole(x: Term) -> Term:
    """A negative integer."""
    return (x < 0.0) & nearest(x).equals(x)


def _sine(size: Term) -> Term:
    """The sine of π times a magnitude, where the reflection uses it."""
    return sine_of_half_turns(where((size < _TINY) | (size > _WHOLE), 0.5, size))


def _near(x: Term) -> Term:
    """Γ of a number from 0 to 10, and not 0."""
    moved, product = _moved(x)
    tiny, below = x < 1.0, x < 2.0
    place = where(tiny, x - 0.5, where(below, x - 1.5, moved - 2.5))
    value = polynomial(place, _GAMMA)
    # Γ(x + 2) / (x·(x + 1)), Γ(x + 1) / x.
    divisor = where(tiny, fma(x, x, x), where(below, x, 1.0))
    return value / divisor * product


def _moved(x: Term) -> tuple[Term, Term]:
    """x less an integer so that it is below 3, and what Γ of the one is of the other's.

    The differences are exact; of each product, what was lost is carried along.
    """
    product, lost = x.like(1.0), x.like(0.0)
    for _ in range(int(_FAR) - 3):
        above = x >= 3.0
        less = x - 1.0
        factor = where(above, less, 1.0)
        exact = product * factor
        lost = fma(lost, factor, fma(product, factor, -exact))
        product = exact
        x = where(above, less, x)
    return x, product + lost


def _exponent(x: Term) -> tuple[Term, Term]:
    """log Γ of a number of at least 10 as a pair of doubles."""
    high, low = exact_log(x)
    factor = x - 0.5
    main = factor * high
    rest = fma(factor, high, -main) + factor * low
    # Both are exact: x is less than twice the product, and more than a quarter of it.
    first = main - x
    rest = rest + ((main - first) - x)
    total = first + _SCALE
    rest = rest + ((first - total) + _SCALE)
    inverse = 1.0 / x
    series = polynomial(inverse * inverse, _STIRLING) * inverse
    rest = rest + (series + _SCALE_REST)
    result = total + rest
    return result, (total - result) + rest
