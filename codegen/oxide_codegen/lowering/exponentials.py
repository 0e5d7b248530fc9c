"""Exponentials, logarithms, powers and hyperbolic functions, in doubles.

    exp     x = n·ln 2 + r, a polynomial in r, scaled by 2ⁿ in two exact halves
    log     x = 2ᵏ·(1 + f), s = f / (2 + f), log(1 + f) = 2s + s³·R(s²)
    pow     exp(y · log x), the logarithm and the product in pairs of doubles
    sinh …  from expm1, so that nothing cancels near 0

Formulas as in fdlibm, with fused steps. Each is within 2 ulp; `benchmarks/math_ulp.py` measures.
"""

from __future__ import annotations

import math
from math import factorial
from typing import TYPE_CHECKING

from oxide_codegen.lowering.formulas import (
    absolute,
    fma,
    nearest,
    polynomial,
    root,
    where,
    with_sign,
)

if TYPE_CHECKING:
    from oxide_codegen.lowering.formulas import Code, Term

_INFINITY, _NAN = math.inf, math.nan
_LOG2_E = 1.4426950408889634
# ln 2: 32 bits of which products with exponents are exact, and the rest.
_LN2_HIGH, _LN2_LOW = 6.93147180369123816490e-01, 1.90821492927058770002e-10
_LN2, _LN2_REST = float.fromhex("0x1.62e42fefa39efp-1"), float.fromhex("0x1.abc9e3b39803fp-56")
_EXP = tuple(1 / factorial(power) for power in range(13, 1, -1))
_LOG = (
    1.479819860511658591e-01,
    1.531383769920937332e-01,
    1.818357216161805012e-01,
    2.222219843214978396e-01,
    2.857142874366239149e-01,
    3.999999999940941908e-01,
    6.666666666666735130e-01,
)


# ---------------------------------------------------------------- exponentials


def exp(code: Code, x: Term) -> Term:
    """e to the power of x."""
    del code
    clipped = _clipped(x, -746.0, 710.0)
    n, r = _reduced(clipped)
    return where(x.differs(x), x, _scaled(_minus_one(r) + 1.0, n))


def exp2(code: Code, x: Term) -> Term:
    """2 to the power of x."""
    del code
    clipped = _clipped(x, -1080.0, 1025.0)
    n = nearest(clipped)
    fraction = clipped - n
    r = fraction * _LN2
    rest = fma(fraction, _LN2, -r) + fraction * _LN2_REST
    return where(x.differs(x), x, _scaled(_minus_one(r, rest) + 1.0, n))


def expm1(code: Code, x: Term) -> Term:
    """exp(x) - 1."""
    clipped = _clipped(x, -40.0, 40.0)
    n, r = _reduced(clipped)
    scale = _power_of_two(n)
    small = fma(scale, _minus_one(r), scale - 1.0)
    result = where(x > 40.0, exp(code, x), small)
    return where(absolute(x) < 1e-300, x, where(x.differs(x), x, result))


def exponential_of_pair(high: Term, low: Term, factor: Term) -> Term:
    """factor · exp(high + low), for sums at most 0."""
    n, r = _reduced(where(high > -800.0, high, -800.0))
    return _scaled(fma(_minus_one(r, low), factor, factor), n)


def _clipped(x: Term, low: float, high: float) -> Term:
    below = where(x < high, x, high)
    return where(below > low, below, low)


def _reduced(x: Term) -> tuple[Term, Term]:
    """n and r with x = n·ln 2 + r, |r| ≤ ln 2 / 2."""
    n = nearest(x * _LOG2_E)
    return n, fma(-n, _LN2_LOW, fma(-n, _LN2_HIGH, x))


def _minus_one(r: Term, rest: Term | None = None) -> Term:
    """exp(r + rest) - 1 of a reduced number."""
    tail = polynomial(r, _EXP) * (r * r)
    if rest is None:
        return r + tail
    return r + (tail + fma(rest, r + tail, rest))


def _power_of_two(n: Term) -> Term:
    return ((n.cast("fptosi", "i64") + 1023) << 52).real


def _scaled(y: Term, n: Term) -> Term:
    """y·2ⁿ, rounded once where it is subnormal."""
    whole = n.cast("fptosi", "i64")
    half = whole >> 1
    first, second = ((part + 1023) << 52 for part in (half, whole - half))
    return y * first.real * second.real


# ---------------------------------------------------------------- logarithms


def log(code: Code, x: Term) -> Term:
    """The natural logarithm."""
    del code
    k, f = _significand(x)
    return _at_ends(x, _log1p(f, k, f.like(0.0)))


def log2(code: Code, x: Term) -> Term:
    """The logarithm to base 2."""
    del code
    k, f = _significand(x)
    high, low = _log_parts(f)
    scale = float.fromhex("0x1.7154765200000p+0"), float.fromhex("0x1.705fc2eefa200p-33")
    main = high * scale[0]
    rest = fma(low + high, scale[1], low * scale[0])
    total = k + main
    return _at_ends(x, total + ((k - total) + main + rest))


def log10(code: Code, x: Term) -> Term:
    """The logarithm to base 10."""
    del code
    k, f = _significand(x)
    high, low = _log_parts(f)
    scale = 4.34294481878168880939e-01, 2.50829467116452752298e-11
    main = high * scale[0]
    base = k * 3.01029995663611771306e-01
    rest = fma(k, 3.69423907715893078616e-13, fma(low + high, scale[1], low * scale[0]))
    total = base + main
    return _at_ends(x, total + ((base - total) + main + rest))


def log1p(code: Code, x: Term) -> Term:
    """log(1 + x)."""
    del code
    sum_ = x + 1.0
    k, f = _significand(sum_)
    near = k.equals(0.0)
    # What the sum has lost, from whichever operand is larger.
    lost = where(x > 1.0, 1.0 - (sum_ - x), x - (sum_ - 1.0))
    correction = where(near, 0.0, lost / sum_)
    result = _log1p(where(near, x, f), k, correction)
    ends = where(x.equals(-1.0), -_INFINITY, where(x < -1.0, _NAN, result))
    special = x.equals(_INFINITY)
    return where(absolute(x) < 1e-300, x, where(x.differs(x), x, where(special, x, ends)))


def _significand(x: Term) -> tuple[Term, Term]:
    """k and f with x = 2ᵏ·(1 + f), √½ ≤ 1 + f < √2, of a positive finite x."""
    subnormal = x < 2.2250738585072014e-308
    lifted = where(subnormal, x * 18014398509481984.0, x).bits
    # The exponent is read as if the significand began at √½.
    moved = lifted - 0x3FE6A09E667F3BCD
    exponent = moved >> 52
    f = (lifted - (exponent << 52)).real - 1.0
    k = exponent.cast("sitofp", "double")
    return where(subnormal, k - 54.0, k), f


def _log1p(f: Term, k: Term, correction: Term) -> Term:
    s = f / (f + 2.0)
    z = s * s
    half = f * f * 0.5
    remainder = polynomial(z, _LOG) * z
    tail = fma(s, half + remainder, fma(k, _LN2_LOW, correction))
    return fma(k, _LN2_HIGH, f - (half - tail))


def _log_parts(f: Term) -> tuple[Term, Term]:
    """log(1 + f) as a double of which the lower half is zero, and the rest."""
    s = f / (f + 2.0)
    z = s * s
    half = f * f * 0.5
    remainder = polynomial(z, _LOG) * z
    high = ((f - half).bits & -0x100000000).real
    return high, fma(s, half + remainder, (f - high) - half)


def _at_ends(x: Term, result: Term) -> Term:
    ends = where(x.equals(0.0), -_INFINITY, where(x < 0.0, _NAN, result))
    # NaN and infinity are their own logarithms.
    return where(x.compare("ult", "slt", _INFINITY), where(x.differs(x), x, ends), x)


# ---------------------------------------------------------------- powers


def pow_(code: Code, x: Term, y: Term) -> Term:
    """x to the power of y."""
    del code
    size = absolute(x)
    high, low = exact_log(size)
    exponent = _clipped(y, -1e100, 1e100)
    product = exponent * high
    rest = fma(exponent, high, -product) + exponent * low
    inside = where(product < 800.0, where(product > -800.0, product, -800.0), 800.0)
    n, r = _reduced(inside)
    outside = absolute(product) >= 800.0
    result = _scaled(_minus_one(r, where(outside, 0.0, rest)) + 1.0, n)
    grows = (size > 1.0) ^ (y < 0.0)
    extreme = size.equals(0.0) | size.equals(_INFINITY) | absolute(y).equals(_INFINITY)
    result = where(extreme, where(grows, _INFINITY, 0.0), result)
    result = where(size.equals(1.0), 1.0, result)
    half = y * 0.5
    whole = nearest(y).equals(y)
    odd = whole & nearest(half).differs(half)
    negative = x.bits < 0
    result = where(negative & odd, -result, result)
    undefined = (x < 0.0) & (whole ^ _true(x)) & size.differs(_INFINITY) & size.differs(1.0)
    result = where(undefined, _NAN, result)
    # -1 to no integer is undefined as well, to an infinity it is 1.
    minus_one = x.equals(-1.0) & (whole ^ _true(x))
    result = where(minus_one, where(absolute(y).equals(_INFINITY), 1.0, _NAN), result)
    result = where(x.differs(x) | y.differs(y), _NAN, result)
    return where(y.equals(0.0) | x.equals(1.0), 1.0, result)


def _true(x: Term) -> Term:
    return x.code.constant(1, "i1")


def exact_log(x: Term) -> tuple[Term, Term]:
    """The logarithm of a positive finite number as a pair of doubles, good to 2⁻⁶⁵."""
    k, f = _significand(x)
    divisor = f + 2.0
    lost = f - (divisor - 2.0)
    s = f / divisor
    s_low = (fma(-s, divisor, f) - s * lost) / divisor
    z = s * s
    z_low = fma(s, s, -z) + s * s_low * 2.0
    # log(1 + f) = 2s + s·z·(2/3 + z·(2/5 + z·(2/7 + …))).
    tail = polynomial(z, tuple(2 / (2 * j + 3) for j in range(13, 0, -1))) * z
    two_thirds, thirds_rest = (
        float.fromhex("0x1.5555555555555p-1"),
        float.fromhex("0x1.5555555555555p-55"),
    )
    q = tail + two_thirds
    q_low = (tail - (q - two_thirds)) + thirds_rest
    c = z * q
    c_low = fma(z, q, -c) + (z * q_low + z_low * q)
    t = s * c
    t_low = fma(s, c, -t) + (s * c_low + s_low * c)
    double = s * 2.0
    main = double + t
    rest = (t - (main - double)) + (t_low + s_low * 2.0)
    base = k * _LN2_HIGH
    high = base + main
    # Whichever is larger: the sum of two by Knuth.
    shift = high - base
    lost = (base - (high - shift)) + (main - shift)
    low = lost + fma(k, _LN2_LOW, rest)
    # The part of ln 2 beyond both: k·2⁻⁸⁷ is below what matters.
    total = high + low
    return total, (high - total) + low


# ---------------------------------------------------------------- hyperbolic functions


def sinh(code: Code, x: Term) -> Term:
    """The hyperbolic sine."""
    size = absolute(x)
    t = expm1(code, size)
    near = where(size < 1.0, t * 2.0 - t * t / (t + 1.0), t + t / (t + 1.0)) * 0.5
    result = where(size > 22.0, _half_exponential(code, size), near)
    return where(size < 1e-300, x, with_sign(result, x))


def cosh(code: Code, x: Term) -> Term:
    """The hyperbolic cosine."""
    size = absolute(x)
    small = where(size < 0.34, size, 0.0)
    t = expm1(code, small)
    e = exp(code, where(size < 30.0, size, 30.0))
    near = where(size < 0.34, t * t / ((t + 1.0) * 2.0) + 1.0, (e + 1.0 / e) * 0.5)
    result = where(size > 22.0, _half_exponential(code, size), near)
    return where(x.differs(x), x, result)


def tanh(code: Code, x: Term) -> Term:
    """The hyperbolic tangent."""
    size = absolute(x)
    clipped = where(size > 22.0, 22.0, size)
    large = size >= 1.0
    t = expm1(code, where(large, clipped, -clipped) * 2.0)
    result = where(large, 1.0 - 2.0 / (t + 2.0), -t / (t + 2.0))
    result = where(x.differs(x), x, where(size > 22.0, 1.0, result))
    return where(size < 1e-300, x, with_sign(result, x))


def _half_exponential(code: Code, x: Term) -> Term:
    """exp(x) / 2, where exp(x) itself may be beyond the largest double."""
    n, r = _reduced(_clipped(x, -746.0, 711.0))
    del code
    return where(x.differs(x), x, _scaled(_minus_one(r) + 1.0, n - 1.0))


def asinh(code: Code, x: Term) -> Term:
    """The inverse hyperbolic sine."""
    size = absolute(x)
    huge = size > 268435456.0
    square = where(huge, 1.0, size)
    square = square * square
    small = log1p(code, size + square / (root(square + 1.0) + 1.0))
    large = log(code, where(huge, size, size * 2.0 + 1.0 / (root(square + 1.0) + size)))
    large = where(huge, large + _LN2, large)
    return with_sign(where(size > 2.0, large, small), x)


def acosh(code: Code, x: Term) -> Term:
    """The inverse hyperbolic cosine."""
    huge = x > 268435456.0
    t = where(huge, 1.0, x - 1.0)
    small = log1p(code, t + root(t * 2.0 + t * t))
    one = where(huge, 1.0, x)
    large = log(code, where(huge, x, x * 2.0 - 1.0 / (root(one * one - 1.0) + x)))
    large = where(huge, large + _LN2, large)
    return where(x > 2.0, large, where(x < 1.0, _NAN, small))


def atanh(code: Code, x: Term) -> Term:
    """The inverse hyperbolic tangent."""
    size = absolute(x)
    twice = size * 2.0
    near = twice + twice * size / (1.0 - size)
    far = twice / (1.0 - size)
    result = log1p(code, where(size < 0.5, near, far)) * 0.5
    result = where(size > 1.0, _NAN, result)
    return where(size < 1e-300, x, with_sign(result, x))
