"""How numbers meet in Numba: every operand has a type of its own, and any two have a common one.

    i64 + i32  ->  i64          integers meet in 64 bits, unsigned ones if both are
    u64 + i64  ->  i64
    u64 << i64 ->  u64          as what is shifted is
    i64 / i64  ->  f64
    i32 * f32  ->  f64          an integer of 32 bits or more, or u16, takes a float to 64
    bool + bool -> i64
    max(u8, i8) -> i16          a name that holds both has the same type, as in NumPy
    max(u64, i64) -> f64
    a[i] = x                    x is converted, whatever it is

Kernels of CuPy are C++ in this: `threadIdx.x` is a u32, and so is `threadIdx.x - 1`, which is large
for the first thread. Sums and products are taken to fit; differences have 32 bits.

Literals are i64, f64 or bool. A value that nobody knows adapts to what it meets. All of this was
read off Numba's own compiler, type by type.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from oxide_analyzer.frontends.oxide.values import Give, Number
from oxide_analyzer.interpreter import arithmetic
from oxide_analyzer.ir.nodes import Compare, CompareOp, Const, Convert
from oxide_analyzer.language.types import (
    BOOL,
    F32,
    F64,
    I16,
    I32,
    I64,
    U16,
    U64,
    Kind,
    Scalar,
)

if TYPE_CHECKING:
    from oxide_analyzer.ir.nodes import Expr
    from oxide_analyzer.source import Span

_WIDE = 32
_SIGNED = {16: I16, 32: I32, 64: I64}


def common(left: Scalar, right: Scalar) -> Scalar:
    """The type in which two operands meet."""
    if left == right:
        return left
    if left.kind is Kind.BOOL:
        return right
    if right.kind is Kind.BOOL:
        return left
    if left.is_float and right.is_float:
        return left if left.bits > right.bits else right if right.bits > left.bits else F32
    if left.is_float or right.is_float:
        floating, integer = (left, right) if left.is_float else (right, left)
        if integer.bits >= _WIDE:
            return F64
        # A float of as many bits as an integer does not hold it.
        return F32 if integer.bits >= floating.bits else floating
    if left.kind is right.kind:
        return left if left.bits >= right.bits else right
    signed, unsigned = (left, right) if left.is_signed else (right, left)
    if signed.bits > unsigned.bits:
        return signed
    return F64 if unsigned.bits == U64.bits else _SIGNED[2 * unsigned.bits]


def arithmetic_type(left: Scalar, right: Scalar) -> Scalar:
    """The type of `+`, `-` and the like: integers are never narrower than 64 bits."""
    if not left.is_float and not right.is_float:
        return U64 if left.kind is right.kind is Kind.UNSIGNED else I64
    return F64 if {left, right} == {U16, F32} else common(left, right)


def common_in_c(left: Scalar, right: Scalar) -> Scalar:
    """The type in which two operands of CuPy's kernels meet, in 64 bits: signed unless both are
    unsigned."""
    if left.is_integer and right.is_integer and left.kind is not right.kind:
        return I64
    return common(left, right)


def as_type(number: Number, type: Scalar, span: Span) -> Expr:
    """The number as one of `type`."""
    expr = number.expr
    if expr.type == type:
        return expr
    if type is BOOL or type.kind is Kind.BOOL:
        return Compare(CompareOp.NE, expr, zero(expr.type, span), span)
    if isinstance(expr, Const) and not isinstance(expr.value, bool) and type.is_float:
        return Const(float(expr.value), type, span)
    if isinstance(expr, Const) and isinstance(expr.value, int) and type.is_integer:
        return Const(type.wrap(int(expr.value)), type, span)
    return Convert(expr, type, span)


def promoted(number: Number, type: Scalar, span: Span) -> Number:
    """The number as an operand of an operator on `type`."""
    if number.type == type and number.expr.type == type and number.give is Give.FIXED:
        return number
    value = number.value
    if value is not None:
        value = arithmetic.convert(value, number.type, type)
    return Number(
        as_type(number, type, span), type, Give.FIXED, value, number.constant, number.depth + 1
    )


def zero(type: Scalar, span: Span) -> Const:
    """The zero of a type."""
    if type.kind is Kind.BOOL:
        return Const(False, type, span)
    return Const(0.0 if type.is_float else 0, type, span)
