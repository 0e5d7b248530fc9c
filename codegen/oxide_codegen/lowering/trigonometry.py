"""Sine, cosine, tangent and their inverses, in doubles.

    sin, cos    x = n·π/2 + r with r as a pair of doubles, then a polynomial chosen by n % 4
    atan        x is moved to the nearest of 0, ½, 1, 1½, ∞ by the law of differences

Up to 2²⁰ the reduction subtracts n times π/2 in four parts; beyond, x·2/π modulo 4 is computed in
192-bit integers (Payne and Hanek), so the results are good for all x. Formulas and polynomials
as in fdlibm, each within 2 ulp; `benchmarks/math_ulp.py` measures.
"""

from __future__ import annotations

import math
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

_NAN = math.nan
_HALF_PI = (
    float.fromhex("0x1.921fb54400000p+0"),
    float.fromhex("0x1.0b4611a600000p-34"),
    float.fromhex("0x1.3198a2e000000p-69"),
    float.fromhex("0x1.b839a252049c1p-104"),
)
_HALF_PI_HIGH = float.fromhex("0x1.921fb54442d18p+0")
_HALF_PI_LOW = float.fromhex("0x1.1a62633145c07p-54")
# 64 zeros and the first 1344 bits of 2/π.
_TWO_OVER_PI = (
    0x0,
    0xA2F9836E4E441529,
    0xFC2757D1F534DDC0,
    0xDB6295993C439041,
    0xFE5163ABDEBBC561,
    0xB7246E3A424DD2E0,
    0x06492EEA09D1921C,
    0xFE1DEB1CB129A73E,
    0xE88235F52EBB4484,
    0xE99C7026B45F7E41,
    0x3991D639835339F4,
    0x9C845F8BBDF9283B,
    0x1FF897FFDE05980F,
    0xEF2F118B5A0A6D1F,
    0x6D367ECF27CB09B7,
    0x4F463F669E5FEA2D,
    0x7527BAC7EBE5F17B,
    0x3D0739F78A5292EA,
    0x6BFB5FB11F8D5D08,
    0x56033046FC7B6BAB,
    0xF0CFBC209AF4361D,
    0xA9E391615EE61B08,
)
_SIN = (
    1.58969099521155010221e-10,
    -2.50507602534068634195e-08,
    2.75573137070700676789e-06,
    -1.98412698298579493134e-04,
    8.33333333332248946124e-03,
)
_COS = (
    -1.13596475577881948265e-11,
    2.08757232129817482790e-09,
    -2.75573143513906633035e-07,
    2.48015872894767294178e-05,
    -1.38888888888741095749e-03,
    4.16666666666666019037e-02,
)
_ATAN = (
    1.62858201153657823623e-02,
    -3.65315727442169155270e-02,
    4.97687799461593236017e-02,
    -5.83357013379057348645e-02,
    6.66107313738753120669e-02,
    -7.69187620504482999495e-02,
    9.09088713343650656196e-02,
    -1.11111104054623557880e-01,
    1.42857142725034663711e-01,
    -1.99999999998764832476e-01,
    3.33333333333329318027e-01,
)
_ASIN_ABOVE = (
    3.47933107596021167570e-05,
    7.91534994289814532176e-04,
    -4.00555345006794114027e-02,
    2.01212532134862925881e-01,
    -3.25565818622400915405e-01,
    1.66666666666666657415e-01,
)
_ASIN_BELOW = (
    7.70381505559019352791e-02,
    -6.88283971605453293030e-01,
    2.02094576023350569471e00,
    -2.40339491173441421878e00,
    1.0,
)


def sin(code: Code, x: Term) -> Term:
    """The sine."""
    n, r, low = _reduced(code, x)
    result = _quadrant(n, r, low)
    return where(absolute(x) < 1e-300, x, result)


def cos(code: Code, x: Term) -> Term:
    """The cosine."""
    n, r, low = _reduced(code, x)
    return _quadrant(n + 1, r, low)


def tan(code: Code, x: Term) -> Term:
    """The tangent."""
    n, r, low = _reduced(code, x)
    s, c = _sine(r, low), _cosine(r, low)
    odd = (n & 1).equals(1)
    result = where(odd, -c, s) / where(odd, s, c)
    return where(absolute(x) < 1e-300, x, result)


def sine_of_half_turns(x: Term) -> Term:
    """The sine of x·π, of a number below 2⁵²."""
    n = nearest(x * 2.0)
    # Exact: what is left is at most a quarter.
    fraction = x - n * 0.5
    r = fraction * (_HALF_PI_HIGH * 2.0)
    low = fma(fraction, _HALF_PI_HIGH * 2.0, -r) + fraction * (_HALF_PI_LOW * 2.0)
    return _quadrant(n.cast("fptosi", "i64"), r, low)


def _quadrant(n: Term, r: Term, low: Term) -> Term:
    chosen = where((n & 1).equals(1), _cosine(r, low), _sine(r, low))
    return where((n & 2).equals(2), -chosen, chosen)


def _sine(r: Term, low: Term) -> Term:
    z = r * r
    cubic = z * r
    tail = polynomial(z, _SIN)
    return r - ((z * (low * 0.5 - cubic * tail) - low) + cubic * 1.66666666666666324348e-01)


def _cosine(r: Term, low: Term) -> Term:
    z = r * r
    half = z * 0.5
    main = 1.0 - half
    tail = z * polynomial(z, _COS)
    return main + (((1.0 - main) - half) + (z * tail - r * low))


def _reduced(code: Code, x: Term) -> tuple[Term, Term, Term]:
    """n, r and its lower part with x = n·π/2 + r; NaN of what is not finite."""
    size = absolute(x)

    def near() -> tuple[Term, ...]:
        n = nearest(x * 0.6366197723675814)
        first = x - n * _HALF_PI[0]
        part = n * _HALF_PI[1]
        total = first - part
        shift = total - first
        lost = (first - (total - shift)) - (part + shift)
        part = n * _HALF_PI[2]
        again = total - part
        shift = again - total
        more = (total - (again - shift)) - (part + shift)
        rest = fma(-n, _HALF_PI[3], lost + more)
        r = again + rest
        return n.cast("fptosi", "i64"), r, (again - r) + rest

    def far() -> tuple[Term, ...]:
        return _reduced_far(code, x)

    n, r, low = code.either(size < 1048576.0, near, far)
    return n, r, low


def _reduced_far(code: Code, x: Term) -> tuple[Term, ...]:
    code.calls["oxide.two_over_pi"] = _table()
    size = x.bits & 0x7FFFFFFFFFFFFFFF
    exponent = size.unsigned_shift(52)
    significand = (size & 0xFFFFFFFFFFFFF) | 0x10000000000000
    # The table from the bit of weight 2: what stands before gives multiples of 4. An infinity
    # or NaN has the exponent 2047; its place is held within the table.
    place = exponent - (1023 + 52) + 62
    place = where(place < 1033, place, 1033)
    word, shift = place.unsigned_shift(6), place & 63
    words = [_word(code, word + k) for k in range(4)]
    back = 63 - shift
    window = [
        (words[k] << shift) | words[k + 1].unsigned_shift(1).unsigned_shift(back) for k in range(3)
    ]
    low = _wide(significand) * _wide(window[2])
    middle = _wide(significand) * _wide(window[1]) + _upper(low)
    third = _upper(middle).cast("trunc", "i64") + significand * window[0]
    second = middle.cast("trunc", "i64")
    first = low.cast("trunc", "i64")
    # Two bits are the quadrant, the rest a fraction of one, from -1/2 to 1/2.
    high = (third << 2) | second.unsigned_shift(62)
    rest = (second << 2) | first.unsigned_shift(62)
    quadrant = third.unsigned_shift(62) + high.unsigned_shift(63)
    negative = high < 0
    upper, lower = _magnitude(high, rest)
    # No double is so near to a multiple of π/2 that the upper half is zero.
    zeros = code.value("i64", f"call i64 @llvm.ctlz.i64(i64 {upper.text}, i1 false)")
    scale = ((1023 - zeros) << 52).real
    zeros = zeros & 63
    upper = (upper << zeros) | lower.unsigned_shift(1).unsigned_shift(63 - zeros)
    lower = lower << zeros
    next_ = ((upper << 42) | lower.unsigned_shift(22)) & ((1 << 53) - 1)
    a = upper.unsigned_shift(11).cast("uitofp", "double") * 2.0**-53 * scale
    b = next_.cast("uitofp", "double") * 2.0**-106 * scale
    r = a * _HALF_PI_HIGH
    lost = fma(a, _HALF_PI_HIGH, -r) + (a * _HALF_PI_LOW + b * _HALF_PI_HIGH)
    total = r + lost
    under = (r - total) + lost
    opposite = negative ^ (x.bits < 0)
    n = where(x.bits < 0, -quadrant, quadrant)
    # Not by the exponent: the sign of the NaN that a device gives for |x| is anything.
    finite = absolute(x) < math.inf
    return (
        n,
        where(finite, where(opposite, -total, total), _NAN),
        where(opposite, -under, under),
    )


def _magnitude(high: Term, low: Term) -> tuple[Term, Term]:
    """The magnitude of 128 bits, by halves: of vectors of i128, LLVM 22 takes wrong lanes in a
    selection for some processors with AVX-512."""
    mask = high >> 63
    carry = where(low.equals(0), mask, 0)
    return (high ^ mask) - carry, (low ^ mask) - mask


def _wide(x: Term) -> Term:
    return x.cast("zext", "i128")


def _upper(x: Term) -> Term:
    return x.unsigned_shift(64)


def _word(code: Code, index: Term) -> Term:
    table = f"[{len(_TWO_OVER_PI)} x i64]"
    place = code.value(
        "ptr", f"getelementptr {table}, ptr @oxide.two_over_pi, i64 0, i64 {index.text}"
    )
    return code.value("i64", f"load i64, ptr {place.text}")


def _table() -> str:
    listed = ", ".join(f"i64 {word}" for word in _TWO_OVER_PI)
    return (
        f"\n@oxide.two_over_pi = internal unnamed_addr constant "
        f"[{len(_TWO_OVER_PI)} x i64] [{listed}]"
    )


# ---------------------------------------------------------------- inverses


def atan(code: Code, x: Term) -> Term:
    """The inverse tangent."""
    del code
    size = absolute(x)
    result = where(absolute(x) < 1e-300, size, _atan(size))
    return with_sign(result, x)


def _atan(x: Term) -> Term:
    """Of a number that is not negative."""
    at_half, at_one = x > 0.4375, x > 0.6875
    at_more, beyond = x > 1.1875, x > 2.4375
    above = where(at_half, x * 2.0 - 1.0, x)
    above = where(at_one, x - 1.0, above)
    above = where(at_more, x - 1.5, above)
    above = where(beyond, -1.0, above)
    below = where(at_half, x + 2.0, 1.0)
    below = where(at_one, x + 1.0, below)
    below = where(at_more, fma(x, 1.5, 1.0), below)
    below = where(beyond, x, below)
    high = where(at_half, float.fromhex("0x1.dac670561bb4fp-2"), x.like(0.0))
    high = where(at_one, float.fromhex("0x1.921fb54442d18p-1"), high)
    high = where(at_more, float.fromhex("0x1.f730bd281f69bp-1"), high)
    high = where(beyond, _HALF_PI_HIGH, high)
    low = where(at_half, float.fromhex("0x1.a2b7f222f65e2p-56"), x.like(0.0))
    low = where(at_one, float.fromhex("0x1.1a62633145c07p-55"), low)
    low = where(at_more, float.fromhex("0x1.007887af0cbbdp-56"), low)
    low = where(beyond, _HALF_PI_LOW, low)
    t = above / below
    z = t * t
    s = t * z * polynomial(z, _ATAN)
    return high - ((s - low) - t)


def atan2(code: Code, y: Term, x: Term) -> Term:
    """The angle of the point (x, y)."""
    del code
    up, across = absolute(y), absolute(x)
    infinite = up.equals(math.inf) & across.equals(math.inf)
    nothing = up.equals(0.0) & across.equals(0.0)
    quotient = where(infinite, 1.0, where(nothing, 0.0, up / across))
    # An angle of a subnormal quotient is the quotient.
    angle = where(quotient < 1e-300, quotient, _atan(quotient))
    turned = _HALF_PI_HIGH * 2.0 - (angle - _HALF_PI_LOW * 2.0)
    result = where(x.bits < 0, turned, angle)
    return where(x.differs(x) | y.differs(y), _NAN, with_sign(result, y))


def asin(code: Code, x: Term) -> Term:
    """The inverse sine."""
    del code
    size = absolute(x)
    near = size < 0.5
    z = where(near, size * size, (1.0 - size) * 0.5)
    ratio = z * (polynomial(z, _ASIN_ABOVE) / polynomial(z, _ASIN_BELOW))
    s = root(z)
    # asin(x) = π/2 - 2·asin(√((1 - x)/2)), the root as a pair of doubles.
    lost = fma(-s, s, z) / (s + where(s.equals(0.0), 1.0, s))
    far = _HALF_PI_HIGH - (fma(s, ratio, s + lost) * 2.0 - _HALF_PI_LOW)
    result = where(near, fma(size, ratio, size), far)
    result = where(size > 1.0, _NAN, result)
    return where(size < 1e-300, x, with_sign(result, x))


def acos(code: Code, x: Term) -> Term:
    """The inverse cosine."""
    del code
    size = absolute(x)
    near = size < 0.5
    z = where(near, size * size, (1.0 - size) * 0.5)
    ratio = z * (polynomial(z, _ASIN_ABOVE) / polynomial(z, _ASIN_BELOW))
    s = root(z)
    lost = fma(-s, s, z) / (s + where(s.equals(0.0), 1.0, s))
    middle = _HALF_PI_HIGH - (x - (_HALF_PI_LOW - x * ratio))
    half = fma(s, ratio, lost) + s
    back = _HALF_PI_HIGH * 2.0 - (half * 2.0 - _HALF_PI_LOW * 2.0)
    result = where(near, middle, where(x < 0.0, back, half * 2.0))
    return where(size > 1.0, _NAN, result)
