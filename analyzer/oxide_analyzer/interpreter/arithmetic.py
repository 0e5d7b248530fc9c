"""Scalar arithmetic, exactly: one plain function for each operator and type.

Integers are Python's, always inside the range of their type; floats are Python's doubles, for
f32 always one that f32 holds; bool is Python's. Every function is total: no operand raises.

An f32 operation computes in double and rounds once more. For + - * / and sqrt that is the
correctly rounded f32 result, because a double has more than twice the bits of an f32 and two to
spare. A 64-bit integer is the exception: by way of a double it could be rounded twice, so its
lost bits are first folded into one sticky bit.

    add     i32  2147483647, 1   ->  -2147483648       wraps
    //      i32  -7, 2           ->  -4                rounds towards minus infinity
    //      i32  1, 0            ->  0                 the obligation stands in front of it
    convert f32 -> i32  1e30     ->  2147483647        saturates; NaN gives 0
    convert i64 -> f32  2**62 + 2**38 + 1  ->  2**62 + 2**39   rounded once

Where IEEE 754 leaves a choice: MIN and MAX are minimumNumber and maximumNumber (a number beats
NaN, -0.0 is below +0.0, as in PTX); MOD gives a zero the sign of the divisor, as Python does;
FLOORDIV is the floor of the rounded quotient. The payload and sign of a NaN are not defined.
"""

from __future__ import annotations

import math as _math
import operator
from functools import cache
from struct import Struct
from typing import TYPE_CHECKING, Any, TypeAlias

from oxide_analyzer.interpreter import floats
from oxide_analyzer.ir.nodes import BinaryOp, CompareOp, MathFunction, UnaryOp
from oxide_analyzer.ir.operators import HOLDS
from oxide_analyzer.language.types import BF16, Kind, Scalar

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from oxide_analyzer.launch import Number

# The operands of one function all have the one type it was made for, which Python's types do
# not tell apart: hence Any, here and only here.
OneOperand: TypeAlias = "Callable[[Any], Any]"
TwoOperands: TypeAlias = "Callable[[Any, Any], Any]"
SomeOperands: TypeAlias = "Callable[..., Any]"

INFINITY = _math.inf
NAN = _math.nan


def unary(op: UnaryOp, type: Scalar, a: Number) -> Number:
    """`op a`, of type `type`."""
    return unary_function(op, type)(a)


def binary(op: BinaryOp, type: Scalar, a: Number, b: Number) -> Number:
    """`a op b` of two operands of type `type`, which is the result's."""
    return binary_function(op, type)(a, b)


def compare(op: CompareOp, type: Scalar, a: Number, b: Number) -> bool:
    """`a op b` of two operands of type `type`."""
    del type  # Python compares the values of every type as IEEE 754 and the integers do.
    return bool(HOLDS[op](a, b))


def convert(value: Number, source: Scalar, target: Scalar) -> Number:
    """`target(value)` of a value of type `source`."""
    return conversion(source, target)(value)


def math(function: MathFunction, type: Scalar, *operands: Number) -> Number:
    """`function(…)` at the precision of `type`, rounded from the double result."""
    return math_function(function, type)(*operands)


def literal(value: Number, type: Scalar) -> Number:
    """A Python number as a value of `type`: floats are rounded once; an integer must fit."""
    if type.kind is Kind.BOOL:
        return bool(value)
    if type.is_float:
        return _integer_to_float(type)(value) if isinstance(value, int) else rounding(type)(value)
    if not isinstance(value, int) or not type.min <= value <= type.max:
        raise ValueError(f"{value!r} is no value of {type}")
    return int(value)


def literals(values: Sequence[Number], type: Scalar) -> list[Number]:
    """Many numbers as values of `type`."""
    if type.is_integer:
        low, high = type.min, type.max
        # Most are as they should be: that is quick to see.
        if all(value.__class__ is int and low <= value <= high for value in values):
            return list(values)
    elif type.is_float:
        convert, fit = _integer_to_float(type), rounding(type)
        return [convert(v) if isinstance(v, int) else fit(v) for v in values]
    return [literal(value, type) for value in values]


def zero(type: Scalar) -> Number:
    """What stands in for a value that does not exist."""
    if type.kind is Kind.BOOL:
        return False
    return 0.0 if type.is_float else 0


@cache
def unary_function(op: UnaryOp, type: Scalar) -> OneOperand:
    """The function of `op` on `type`."""
    return (_FLOAT_UNARY if type.is_float else _integer_unary(type))[op]


@cache
def binary_function(op: BinaryOp, type: Scalar) -> TwoOperands:
    """The function of `op` on `type`."""
    if type.is_float:
        return _float_binary(type)[op]
    if type.kind is Kind.BOOL:
        return _BOOL_BINARY[op]
    return _integer_binary(type)[op]


@cache
def math_function(function: MathFunction, type: Scalar) -> SomeOperands:
    """The function at the precision of `type`."""
    if function is MathFunction.FMA:
        return floats.multiply_add(rounding(type), type.bits)
    exact = floats.FUNCTIONS[function]
    if type.bits == 64:
        return exact
    fit = rounding(type)
    return lambda *operands: fit(exact(*operands))


@cache
def conversion(source: Scalar, target: Scalar) -> OneOperand:
    """The function that converts from `source` to `target`."""
    if source == target:
        return _same
    if target.kind is Kind.BOOL:
        return _is_not_zero
    if source.kind is Kind.BOOL:
        return float if target.is_float else int
    if source.is_float:
        return rounding(target) if target.is_float else _float_to_integer(target)
    if target.is_float:
        return _integer_to_float(target)
    fits = target.min <= source.min and source.max <= target.max
    return _same if fits else target.wrap


@cache
def reinterpretation(source: Scalar, target: Scalar) -> OneOperand:
    """The function that takes the bits of `source` for a number of `target`, as wide."""
    if BF16 in (source, target):
        return _of_high_half(source, target)
    pack, unpack = Struct(_stored(source)).pack, Struct(_stored(target)).unpack

    def reinterpret(value: Number) -> Number:
        return unpack(pack(value))[0]

    return reinterpret


def _of_high_half(source: Scalar, target: Scalar) -> OneOperand:
    """A bf16 is the upper half of an f32."""
    if source == target:
        return _same
    if source == BF16:
        return lambda value: target.wrap(Struct("<I").unpack(Struct("<f").pack(value))[0] >> 16)
    return lambda value: Struct("<f").unpack(Struct("<I").pack((int(value) & 0xFFFF) << 16))[0]


def _stored(type: Scalar) -> str:
    """How `struct` stores a type."""
    if type.is_float:
        return {16: "<e", 32: "<f", 64: "<d"}[type.bits]
    code = {8: "b", 16: "h", 32: "i", 64: "q"}[type.bits]
    return f"<{code if type.is_signed else code.upper()}"


@cache
def rounding(type: Scalar) -> Callable[[float], float]:
    """The function that rounds a double to the nearest value of a float type, ties to even."""
    if type.bits == 64:
        return float
    if type.name == "bf16":
        return _to_bf16
    packed = Struct("<f" if type.bits == 32 else "<e")
    pack, unpack = packed.pack, packed.unpack

    def fit(value: float) -> float:
        try:
            return unpack(pack(value))[0]
        except OverflowError:
            return _math.copysign(INFINITY, value)

    return fit


def _to_bf16(value: float) -> float:
    """The nearest number of 8 bits with the exponents of an f32, ties to even."""
    if not _math.isfinite(value) or value == 0:
        return value
    if abs(value) >= 2.0**128:
        return _math.copysign(INFINITY, value)
    unit = max(_math.frexp(value)[1] - 8, -133)
    nearest = _math.ldexp(round(_math.ldexp(value, -unit)), unit)
    nearest = _math.copysign(nearest, value)
    return nearest if abs(nearest) < 2.0**128 else _math.copysign(INFINITY, value)


# ---------------------------------------------------------------- integers


def _integer_unary(type: Scalar) -> dict[UnaryOp, OneOperand]:
    wrap, bits = type.wrap, type.bits
    mask = (1 << bits) - 1
    return {
        UnaryOp.NEG: lambda a: wrap(-a),
        UnaryOp.INVERT: lambda a: wrap(~a),
        UnaryOp.ABS: lambda a: wrap(abs(a)),
        UnaryOp.CLZ: lambda a: bits - (a & mask).bit_length(),
        UnaryOp.POPC: lambda a: (a & mask).bit_count(),
        UnaryOp.BREV: lambda a: wrap(int(f"{a & mask:0{bits}b}"[::-1], 2)),
    }


def _integer_binary(type: Scalar) -> dict[BinaryOp, TwoOperands]:
    low, high, bits, wrap = type.min, type.max, type.bits, type.wrap

    # The three that kernels are full of test the range first: most results lie inside.
    def add(a: int, b: int) -> int:
        exact = a + b
        return exact if low <= exact <= high else wrap(exact)

    def subtract(a: int, b: int) -> int:
        exact = a - b
        return exact if low <= exact <= high else wrap(exact)

    def multiply(a: int, b: int) -> int:
        exact = a * b
        return exact if low <= exact <= high else wrap(exact)

    def divide(a: int, b: int) -> int:
        if b == -1:
            return wrap(-a)
        return a // b if b else 0

    return {
        BinaryOp.ADD: add,
        BinaryOp.SUB: subtract,
        BinaryOp.MUL: multiply,
        BinaryOp.FLOORDIV: divide,
        BinaryOp.MOD: lambda a, b: a % b if b else 0,
        BinaryOp.AND: operator.and_,
        BinaryOp.OR: operator.or_,
        BinaryOp.XOR: operator.xor,
        BinaryOp.SHL: lambda a, b: wrap(a << b) if 0 <= b < bits else 0,
        BinaryOp.SHR: lambda a, b: a >> b if 0 <= b < bits else -(a < 0),
        BinaryOp.POW: lambda a, b: wrap(pow(a, b, 1 << bits)) if b >= 0 else 0,
        BinaryOp.MIN: min,
        BinaryOp.MAX: max,
    }


_BOOL_BINARY: dict[BinaryOp, TwoOperands] = {
    BinaryOp.AND: operator.and_,
    BinaryOp.OR: operator.or_,
    BinaryOp.XOR: operator.xor,
}


# ---------------------------------------------------------------- floats


def _float_binary(type: Scalar) -> dict[BinaryOp, TwoOperands]:
    exact: dict[BinaryOp, TwoOperands] = {
        BinaryOp.MIN: _minimum_number,
        BinaryOp.MAX: _maximum_number,
    }
    fit = rounding(type)
    rounded: dict[BinaryOp, TwoOperands] = {
        BinaryOp.ADD: lambda a, b: fit(a + b),
        BinaryOp.SUB: lambda a, b: fit(a - b),
        BinaryOp.MUL: lambda a, b: fit(a * b),
        BinaryOp.DIV: lambda a, b: fit(_divide(a, b)),
        BinaryOp.FLOORDIV: lambda a, b: _floor(fit(_divide(a, b))),
        BinaryOp.MOD: lambda a, b: fit(_modulo(a, b)),
    }
    return exact | rounded


def _divide(a: float, b: float) -> float:
    if b != 0:
        return a / b
    if a == 0 or _math.isnan(a):
        return NAN
    return _math.copysign(INFINITY, a) * _math.copysign(1.0, b)


def _floor(a: float) -> float:
    # Infinities and NaN have no floor in Python, and zeros would lose their sign.
    return float(_math.floor(a)) if _math.isfinite(a) and a != 0 else a


def _modulo(a: float, b: float) -> float:
    if b == 0 or not _math.isfinite(a) or _math.isnan(b):
        return NAN
    rest = _math.fmod(a, b)
    if rest == 0:
        return _math.copysign(0.0, b)
    return rest + b if (rest < 0) != (b < 0) else rest


def _minimum_number(a: float, b: float) -> float:
    if _math.isnan(a):
        return b
    if a == b:
        return a if _math.copysign(1.0, a) < 0 else b
    return b if b < a else a


def _maximum_number(a: float, b: float) -> float:
    if _math.isnan(a):
        return b
    if a == b:
        return b if _math.copysign(1.0, a) < 0 else a
    return b if b > a else a


_FLOAT_UNARY: dict[UnaryOp, OneOperand] = {UnaryOp.NEG: operator.neg, UnaryOp.ABS: _math.fabs}


# ---------------------------------------------------------------- conversions


def _same(value: Number) -> Number:
    return value


def _is_not_zero(value: Number) -> bool:
    return value != 0


def _float_to_integer(target: Scalar) -> OneOperand:
    low, high = target.min, target.max

    def truncate(value: float) -> int:
        if _math.isnan(value):
            return 0
        if low < value < high:
            return int(value)
        return high if value > 0 else low

    return truncate


def _integer_to_float(target: Scalar) -> OneOperand:
    if target.bits == 64:
        return _integer_to_double
    fit = rounding(target)

    def to_nearest(value: int) -> float:
        excess = value.bit_length() - 50
        if excess <= 0:
            return fit(float(value))
        sticky = (value >> excess) | (value & ((1 << excess) - 1) != 0)
        try:
            return fit(_math.ldexp(sticky, excess))
        except OverflowError:
            return INFINITY if value > 0 else -INFINITY

    return to_nearest


def _integer_to_double(value: int) -> float:
    try:
        return float(value)
    except OverflowError:
        return INFINITY if value > 0 else -INFINITY
