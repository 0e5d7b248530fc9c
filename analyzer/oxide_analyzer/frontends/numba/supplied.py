"""What Numba's own library does in kernels, written in its language: random states, `cmath`.

Each function takes the place of its call, so whatever reads the IR knows it already: a call of a
generator reads and writes the two words of its state, and two threads that use one state race.

    xoroshiro128p_uniform_float32(states, i)       %1 = load states[i]; %2 = load states.s1[i]; …
                                                   store states[i], …; store states.s1[i], …
    cmath.exp(z)                                   exp(x)*cos(y), exp(x)*sin(y)

They compute what Numba's functions compute, in the types in which these do: the generator's
numbers are the same to the last bit. Functions of complex numbers take and give their parts, and
compute in the type `T` of these, where Numba's use 64 bits here and there; inverse ones use 64
bits.
"""

from __future__ import annotations

import ast
from functools import lru_cache
from typing import TYPE_CHECKING

from oxide_analyzer.frontends.numba import complexes
from oxide_analyzer.frontends.numba.promotion import as_type
from oxide_analyzer.frontends.oxide.inlining import inline_written
from oxide_analyzer.frontends.oxide.meanings import FunctionRole, UserFunction
from oxide_analyzer.frontends.oxide.scopes import module_scope
from oxide_analyzer.frontends.oxide.values import UNKNOWN, ArrayValue, Number, TupleValue
from oxide_analyzer.language.types import F64, I64
from oxide_analyzer.source import SourceFile

if TYPE_CHECKING:
    from oxide_analyzer.frontends.numba.lowering import NumbaLowering
    from oxide_analyzer.frontends.oxide.values import Value

_HEAD = """\
import math
from numba import float32, float64, int64, uint64
"""
# One step of a generator: the state is (a, b), the result is in `drawn`.
_STEP = """
    a = states[index]['s0']
    b = states[index]['s1']
    drawn{k} = a + b
    b ^= a
    states[index]['s0'] = ((a << uint64(55)) | (a >> uint64(9))) ^ b ^ (b << uint64(14))
    states[index]['s1'] = (b << uint64(36)) | (b >> uint64(28))
"""
_UNIT = "((drawn{k} >> uint64(11)) * (float64(1) / float64(9007199254740992)))"
_RANDOM = (
    "def xoroshiro128p_next(states, index):" + _STEP.format(k=1) + "    return drawn1\n",
    "def xoroshiro128p_uniform_float64(states, index):"
    + _STEP.format(k=1)
    + f"    return {_UNIT.format(k=1)}\n",
    "def xoroshiro128p_uniform_float32(states, index):"
    + _STEP.format(k=1)
    + f"    return float32({_UNIT.format(k=1)})\n",
    "def xoroshiro128p_normal_float32(states, index):"
    + _STEP.format(k=1)
    + _STEP.format(k=2)
    + f"    u = float32({_UNIT.format(k=1)})\n"
    + f"    v = float32({_UNIT.format(k=2)})\n"
    + "    return math.sqrt(float32(-2.0) * math.log(u)) * math.cos(float32(6.2831855) * v)\n",
    "def xoroshiro128p_normal_float64(states, index):"
    + _STEP.format(k=1)
    + _STEP.format(k=2)
    + f"    u = float32({_UNIT.format(k=1)})\n"
    + f"    v = float32({_UNIT.format(k=2)})\n"
    + "    r = math.sqrt(float64(-2.0) * float64(math.log(u)))\n"
    + "    return r * math.cos(float64(6.283185307179586) * float64(v))\n",
    """
def xoroshiro128p_jump(states, index):
    s = uint64(0)
    t = uint64(0)
    for k in range(128):
        word = uint64(0xbeac0467eba5facb) if k < 64 else uint64(0xd86b048b86aa9922)
        if (word >> uint64(k & 63)) & uint64(1):
            s ^= states[index]['s0']
            t ^= states[index]['s1']
        a = states[index]['s0']
        b = states[index]['s1']
        b ^= a
        states[index]['s0'] = ((a << uint64(55)) | (a >> uint64(9))) ^ b ^ (b << uint64(14))
        states[index]['s1'] = (b << uint64(36)) | (b >> uint64(28))
    states[index]['s0'] = s
    states[index]['s1'] = t
""",
)
_ROUND = """
def round_to(x, digits):
    p = 1.0
    for k in range(min(abs(digits), 22)):
        p *= 10.0
    q = 1.0
    for k in range(abs(digits) - 22):
        q *= 10.0
    y = (x * p) * q if digits >= 0 else (x / p) / q
    whole = math.copysign(float64(round(y)), y)
    made = (whole / q) / p if digits >= 0 else (whole * p) * q
    # What is too large for a fraction, or no number, is as round as it gets.
    return made if abs(y) < 4503599627370496.0 else x
"""
_COMPLEX = """
def rect(r, phi):
    c = math.cos(phi)
    s = math.sin(phi)
    # Of a direction along an axis an infinite size keeps the axis, with the sign of both.
    u = c / r if c == T(0) and math.isinf(r) else c * r
    v = s / r if s == T(0) and math.isinf(r) else s * r
    v = abs(phi) if phi == T(0) and math.isnan(r) else v
    if not math.isfinite(phi):
        # Of no size there is no direction to ask for, and an infinite one has a part of its own.
        u = abs(r) if r == T(0) or math.isinf(r) else phi - phi
        v = T(0) if r == T(0) else phi - phi
    return u, v

def exp(x, y):
    r = math.exp(x)
    u = r * math.cos(y)
    v = y if y == T(0) else r * math.sin(y)
    if math.isinf(x) and not math.isfinite(y):
        u = abs(x) if x > T(0) else T(0)
        v = y - y if x > T(0) else T(0)
    return u, v

def _log_of_size(x, y, one):
    p = abs(x) if abs(x) > abs(y) else abs(y)
    q = abs(y) if abs(x) > abs(y) else abs(x)
    size = math.hypot(x, y)
    # Near 1 the logarithm is that of the little that is over.
    if size + size > one and size < one + one:
        return math.log1p((p - one) * (p + one) + q * q) / (one + one)
    return math.log(size)

def log(x, y):
    return _log_of_size(x, y, T(1)), math.atan2(y, x)

def log10(x, y):
    r = _log_of_size(x, y, T(1))
    return r / T(2.302585092994045684), math.atan2(y, x) / T(2.302585092994045684)

def sqrt(x, y):
    u = T(0)
    v = y
    if x != T(0) or y != T(0):
        if math.isinf(y):
            u = abs(y)
        elif math.isnan(x):
            u = x
            v = x
        elif math.isinf(x):
            u = x if x > T(0) else abs(y - y)
            v = math.copysign(y - y if x > T(0) else x, y)
        else:
            big = abs(x) >= T(1e37) or abs(y) >= T(1e37)
            a = x * T(0.25) if big else x
            b = y * T(0.25) if big else y
            t = math.sqrt((abs(a) + math.hypot(a, b)) * T(0.5))
            u = t if a >= T(0) else abs(b) / (T(2) * t)
            v = b / (T(2) * t) if a >= T(0) else math.copysign(t, b)
            if big:
                u = u * T(2)
                v = v * T(2)
    return u, v

def _cosh(x, y, one):
    u = math.cos(y) * math.cosh(x)
    v = math.sin(y) * math.sinh(x)
    if y == one - one:
        v = y * math.copysign(one, x)
    elif math.isnan(y):
        u = abs(x) if math.isinf(x) else u
        v = one - one if x == one - one else v
    return u, v

def _sinh(x, y, one):
    u = math.cos(y) * math.sinh(x)
    v = y if y == one - one else math.sin(y) * math.cosh(x)
    if math.isnan(y) and (math.isinf(x) or x == one - one):
        u = abs(x)
    return u, v

def _tanh(x, y, one):
    a = math.tanh(x)
    t = math.tan(y)
    c = one / math.cosh(x)
    q = one + (t * a) * (t * a)
    u = a * (one + t * t) / q
    v = (t / q) * c * c
    if math.isinf(x):
        u = math.copysign(one, x)
        v = one - one if math.isnan(t) else math.copysign(one - one, t)
    elif y == one - one:
        v = y
    return u, v

def cosh(x, y):
    return _cosh(x, y, T(1))

def sinh(x, y):
    return _sinh(x, y, T(1))

def cos(x, y):
    return _cosh(-y, x, T(1))

def sin(x, y):
    a, b = _sinh(-y, x, T(1))
    return b, -a

def tanh(x, y):
    return _tanh(x, y, T(1))

def tan(x, y):
    a, b = _tanh(-y, x, T(1))
    return b, -a

def power(x, y, p, q):
    u = T(0)
    v = T(0)
    if p == T(0) and q == T(0):
        u = T(1)
    elif x != T(0) or y != T(0) or p != T(0):
        size = math.hypot(x, y)
        r = math.pow(size, p)
        angle = math.atan2(y, x)
        turn = angle * p
        if q != T(0):
            r = r / math.exp(angle * q)
            turn = turn + q * math.log(size)
        u = r * math.cos(turn)
        v = r * math.sin(turn)
    return u, v
"""
# Kahan's formulas, of numbers near 0 and 1 without loss; the square roots of 1 - z and 1 + z are
# what has a cut where the inverse function has its own.
_INVERSE = """
def _root(x, y):
    t = math.sqrt((abs(x) + math.hypot(x, y)) * 0.5)
    u = t if x >= 0.0 else abs(y) / (2.0 * t)
    v = y / (2.0 * t) if x >= 0.0 else math.copysign(t, y)
    return (0.0 if t == 0.0 else u), (y if t == 0.0 else v)

def _large(x, y):
    return math.log(math.hypot(x * 0.5, y * 0.5)) + 1.3862943611198906

def _acos(x, y):
    real = math.atan2(abs(y), x)
    imaginary = -math.copysign(_large(x, y), y)
    if abs(x) < 1e18 and abs(y) < 1e18:
        a, b = _root(1.0 - x, -y)
        c, d = _root(1.0 + x, y)
        real = 2.0 * math.atan2(a, c)
        imaginary = math.asinh(c * b - d * a)
    elif math.isnan(y):
        real = 1.5707963267948966 if x == 0.0 else y
        imaginary = abs(x) if math.isinf(x) else y
    return real, imaginary

def _acosh(x, y):
    real = _large(x, y)
    imaginary = math.atan2(y, x)
    if abs(x) < 1e18 and abs(y) < 1e18:
        a, b = _root(x - 1.0, y)
        c, d = _root(x + 1.0, y)
        real = math.asinh(a * c + b * d)
        imaginary = 2.0 * math.atan2(b, c)
    return real, imaginary

def _asinh(x, y):
    real = math.copysign(_large(x, y), x)
    imaginary = math.atan2(y, abs(x))
    if abs(x) < 1e18 and abs(y) < 1e18:
        a, b = _root(1.0 + y, -x)
        c, d = _root(1.0 - y, x)
        real = math.asinh(a * d - c * b)
        imaginary = math.atan2(y, a * c - b * d)
    elif math.isnan(x):
        real = abs(y) if math.isinf(y) else x
        imaginary = y if y == 0.0 else x
    return real, imaginary

def _atanh(x, y):
    p = abs(x)
    q = y * math.copysign(1.0, x)
    r = abs(y)
    half = math.hypot(p * 0.5, r * 0.5)
    real = 0.0 if math.isinf(half) else p * 0.25 / half / half
    imaginary = q if math.isnan(q) else math.copysign(1.5707963267948966, q)
    if p == 1.0 and r < 1e-150:
        real = math.inf if r == 0.0 else -math.log(math.sqrt(r) / math.sqrt(math.hypot(r, 2.0)))
        imaginary = q if r == 0.0 else math.copysign(math.atan2(2.0, -r) * 0.5, q)
    elif not (p >= 1e18 or r >= 1e18):
        real = p if p == 0.0 else math.log1p(4.0 * p / ((1.0 - p) * (1.0 - p) + r * r)) * 0.25
        imaginary = -math.atan2(-2.0 * q, (1.0 - p) * (1.0 + p) - r * r) * 0.5
    return math.copysign(real, x), imaginary * math.copysign(1.0, x)

def acos(x, y):
    return _acos(float64(x), float64(y))

def acosh(x, y):
    return _acosh(float64(x), float64(y))

def asin(x, y):
    a, b = _asinh(-float64(y), float64(x))
    return b, -a

def asinh(x, y):
    return _asinh(float64(x), float64(y))

def atan(x, y):
    a, b = _atanh(-float64(y), float64(x))
    return b, -a

def atanh(x, y):
    return _atanh(float64(x), float64(y))
"""


GENERATORS = frozenset(
    {
        "xoroshiro128p_next",
        "xoroshiro128p_jump",
        "xoroshiro128p_uniform_float32",
        "xoroshiro128p_uniform_float64",
        "xoroshiro128p_normal_float32",
        "xoroshiro128p_normal_float64",
    }
)


def random(
    lowering: NumbaLowering, node: ast.Call, name: str, states: ArrayValue, index: Number
) -> Value:
    """A step of the generator in one element of an array of states."""
    place = as_type(index, I64, lowering.span(node))
    values: list[Value] = [states, Number(place, I64)]
    return inline_written(lowering, node, _functions()[name], values, name, F64)


def round_to(lowering: NumbaLowering, node: ast.Call, number: Number, digits: Number) -> Value:
    """`round(x, digits)` of as many digits as a kernel says while it runs; a float of 64 bits."""
    span = lowering.span(node)
    values: list[Value] = [
        Number(as_type(number, F64, span), F64),
        Number(as_type(digits, I64, span), I64),
    ]
    return inline_written(lowering, node, _functions()["round_to"], values, "round", F64)


def function(lowering: NumbaLowering, node: ast.expr, name: str, value: TupleValue) -> Value:
    """A function of a complex number."""
    return _applied(lowering, node, name, [value], f"cmath.{name}")


def power(lowering: NumbaLowering, node: ast.expr | ast.stmt, left: Value, right: Value) -> Value:
    """`left ** right`, of which one is complex."""
    operands = complexes.met(lowering, left, right, lowering.span(node))
    if operands is None:
        return UNKNOWN
    return _applied(lowering, node, "power", list(operands), "**")


def _applied(
    lowering: NumbaLowering,
    node: ast.expr | ast.stmt,
    name: str,
    values: list[TupleValue],
    said: str,
) -> Value:
    span = lowering.span(node)
    part = complexes.part_type(values[0])
    parts: list[Value] = []
    for value in values:
        parts += [Number(leaf, leaf.type) for leaf in complexes.parts(lowering, value, span)]
    result = inline_written(lowering, node, _functions()[name], parts, said, part)
    if not isinstance(result, TupleValue):
        return UNKNOWN
    made = TupleValue(result.items, complexes.COMPLEX)
    return complexes.made(lowering, *complexes.converted(lowering, made, part, span), span)


@lru_cache(maxsize=1)
def _functions() -> dict[str, UserFunction]:
    """The functions by their names in the text above."""
    source = SourceFile(
        "<functions of Numba>", "\n".join((_HEAD, *_RANDOM, _ROUND, _COMPLEX, _INVERSE))
    )
    tree = ast.parse(source.text)
    scope = module_scope(source, tree)
    return {
        node.name: UserFunction(node, scope, FunctionRole.DEVICE)
        for node in tree.body
        if isinstance(node, ast.FunctionDef)
    }
