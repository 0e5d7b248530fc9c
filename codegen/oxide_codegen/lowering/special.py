"""Roots, lengths, remainders, powers of two and the error function, in doubles.

    erf     |x| < 1: x·(2/√π + x²·P(x²)); beyond, 1 - erfc(|x|)
    erfc    x ≥ ¾: exp(-x²) / (1 + 2x) · P(t) with t = (x - 4) / (x + 4), x² as a pair of doubles
    cbrt    a guess from the exponent, three steps of Halley, one that is rounded once
    hypot   the sum of squares as a pair of doubles

The polynomials interpolate at Chebyshev nodes. Each function is within 3 ulp, `remainder` exact.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from oxide_codegen.lowering.exponentials import exponential_of_pair
from oxide_codegen.lowering.formulas import absolute, fma, polynomial, root, where, with_sign
from oxide_codegen.lowering.functions import FMOD

if TYPE_CHECKING:
    from oxide_codegen.lowering.formulas import Code, Term

_INFINITY, _NAN = math.inf, math.nan
_SCALE = float.fromhex("0x1.20dd750429b6dp+0"), float.fromhex("0x1.1ae3a914fed80p-56")
_ERF = (
    2.895998335856489e-13,
    -6.25814465939488e-12,
    9.342544765021714e-11,
    -1.2281123990301673e-09,
    1.4806425307596068e-08,
    -1.6365800670626893e-07,
    1.64621125825314e-06,
    -1.4925650307970883e-05,
    0.00012055332980820326,
    -0.0008548327023438772,
    0.005223977625442098,
    -0.02686617064513125,
    0.11283791670955126,
    -0.37612638903183754,
)
_ERFC = (
    -2.99919879640801e-10,
    1.3754066013972758e-09,
    3.4331858601901456e-09,
    -1.4230880875220738e-08,
    -2.126738688863025e-08,
    1.0989341959531614e-07,
    7.846245890035232e-08,
    -8.250001170700635e-07,
    2.911278713595778e-07,
    5.709352268884006e-06,
    -1.1220822140230148e-05,
    -2.4399028281733205e-05,
    0.00015062132151028514,
    -0.00019925674894317208,
    -0.0007577732213979182,
    0.005031969987484267,
    -0.016197734065796655,
    0.037167515536523935,
    -0.06633036581165652,
    0.09373283499840096,
    -0.10103906603632479,
    0.06809705425469147,
    0.015379652102620038,
    -0.1396211168405625,
    1.2329951186255526,
)


def rsqrt(code: Code, x: Term) -> Term:
    """One divided by the square root."""
    del code
    return 1.0 / root(x)


def cbrt(code: Code, x: Term) -> Term:
    """The cube root."""
    del code
    size = absolute(x)
    tiny, huge = size < 1e-290, size > 1e290
    lifted = size * where(tiny, 2.0**54, where(huge, 2.0**-54, 1.0))
    # A third of the exponent, and of the significand as if it were linear.
    guess = (_third(lifted.bits) + 0x2A9F7893782DA1CE).real
    y = guess
    for _ in range(3):
        cube = y * y * y
        y = y * ((cube + lifted * 2.0) / (cube * 2.0 + lifted))
    square = y * y
    low = fma(y, y, -square)
    # x - y³ with what the square has lost.
    rest = fma(-square, y, lifted) - low * y
    y = y + rest / (square * 3.0)
    y = y * where(tiny, 2.0**-18, where(huge, 2.0**18, 1.0))
    special = size.equals(0.0) | size.compare("ueq", "eq", _INFINITY)
    return where(special, x, with_sign(y, x))


def _third(bits: Term) -> Term:
    return bits.code.value("i64", f"udiv i64 {bits.text}, 3")


def hypot(code: Code, x: Term, y: Term) -> Term:
    """The length of the vector (x, y)."""
    del code
    a, b = absolute(x), absolute(y)
    swapped = a < b
    large, small = where(swapped, b, a), where(swapped, a, b)
    huge, tiny = large > 1e150, large < 1e-140
    scale = where(huge, 2.0**-600, where(tiny, 2.0**600, large.like(1.0)))
    back = where(huge, 2.0**600, where(tiny, 2.0**-600, large.like(1.0)))
    u, v = large * scale, small * scale
    p, q = u * u, v * v
    s = p + q
    rest = ((p - s) + q) + (fma(u, u, -p) + fma(v, v, -q))
    h = root(s)
    h = h + (fma(-h, h, s) + rest) / (h * 2.0)
    result = where(large.equals(0.0), 0.0, h * back)
    infinite = a.equals(_INFINITY) | b.equals(_INFINITY)
    return where(infinite, _INFINITY, where(a.differs(a) | b.differs(b), _NAN, result))


def remainder(code: Code, x: Term, y: Term) -> Term:
    """x minus the nearest multiple of y, exactly."""
    code.calls[FMOD.name(64)] = FMOD.definition(64)
    size = absolute(y)
    halved = size <= 8.98846567431158e307
    modulus = where(halved, size * 2.0, size)
    rest = absolute(code.call(FMOD.name(64), "double", x, modulus))
    # Where twice y is no double, x is less than twice y already.
    small = size < 4.450147717014403e-308
    half = size * 0.5
    first = where(small, rest + rest > size, rest > half)
    once = where(first, rest - size, rest)
    second = first & where(small, once + once >= size, once >= half)
    result = where(second, once - size, once)
    undefined = x.differs(x) | y.differs(y) | absolute(x).equals(_INFINITY) | size.equals(0.0)
    signed = (result.bits ^ (x.bits & -0x8000000000000000)).real
    signed = where(result.equals(0.0), with_sign(0.0, x), signed)
    return where(undefined, _NAN, where(size.equals(_INFINITY), x, signed))


# ---------------------------------------------------------------- exponents and significands


def ldexp(code: Code, x: Term, power: Term) -> Term:
    """x·2ⁿ, rounded once: what is left of n before the last product keeps x a normal number."""
    del code
    n = where(power < 2200.0, power, 2200.0)
    n = where(n > -2200.0, n, -2200.0)
    n = where(n.differs(n), 0.0, n).cast("fptosi", "i64")
    y = x
    for _ in range(2):
        up, down = n > 1023, n < -1022
        y = y * where(up, 2.0**1023, where(down, 2.0**-969, 1.0))
        n = n - where(up, n.like(1023), where(down, n.like(-969), n.like(0)))
    n = where(n > 1023, 1023, where(n < -1022, -1022, n))
    result = y * ((n + 1023) << 52).real
    return where(power.differs(power), _NAN, result)


def significand(code: Code, x: Term) -> Term:
    """m with x = m·2ⁿ, ½ ≤ |m| < 1; of 0, infinity and NaN, x."""
    del code
    lifted, _, special = _normal(x)
    bits = (lifted.bits & ~(0x7FF << 52)) | (0x3FE << 52)
    return where(special, x, bits.real)


def exponent(code: Code, x: Term) -> Term:
    """n with x = m·2ⁿ, ½ ≤ |m| < 1; of 0, infinity and NaN, 0."""
    del code
    lifted, less, special = _normal(x)
    n = (lifted.bits.unsigned_shift(52) & 0x7FF) - less
    return where(special, 0.0, n.cast("sitofp", "double"))


def _normal(x: Term) -> tuple[Term, Term, Term]:
    """x, lifted where it is subnormal; what its exponent is moved by; and where it has none."""
    size = absolute(x)
    subnormal = size < 2.2250738585072014e-308
    lifted = where(subnormal, x * 2.0**54, x)
    return (
        lifted,
        where(subnormal, lifted.bits.like(1022 + 54), lifted.bits.like(1022)),
        x.equals(0.0) | size.compare("ueq", "eq", _INFINITY),
    )


# ---------------------------------------------------------------- the error function


def erf(code: Code, x: Term) -> Term:
    """The error function."""
    del code
    size = absolute(x)
    near = size < 1.0
    z = size * size
    small = fma(size, _SCALE[0], size * fma(z, polynomial(z, _ERF), _SCALE[1]))
    result = where(near, small, 1.0 - _erfc(where(near, 1.0, size)))
    return where(x.differs(x), x, with_sign(result, x))


def erfc(code: Code, x: Term) -> Term:
    """1 - erf(x), without what that would lose."""
    del code
    size = absolute(x)
    z = x * x
    small = fma(x, _SCALE[0], x * fma(z, polynomial(z, _ERF), _SCALE[1]))
    far = _erfc(where(size < 0.75, 0.75, size))
    far = where(x < 0.0, 2.0 - far, far)
    return where(x.differs(x), x, where(size < 0.75, 1.0 - small, far))


def _erfc(x: Term) -> Term:
    """Of at least ¾."""
    clipped = where(x < 28.0, x, 28.0)
    t = (clipped - 4.0) / (clipped + 4.0)
    ratio = polynomial(t, _ERFC) / (clipped * 2.0 + 1.0)
    square = clipped * clipped
    return exponential_of_pair(-square, -fma(clipped, clipped, -square), ratio)
