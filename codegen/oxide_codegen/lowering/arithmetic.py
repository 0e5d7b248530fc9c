"""Operators as the language defines them, in instructions that LLVM defines for every operand.

LLVM leaves `sdiv x, 0`, `sdiv MIN, -1` and a shift by the width undefined: on x86 the first two
kill the process, on NVPTX the optimiser drops what depends on them. So the operand that would be
undefined is replaced before, and the result after:

    a // b      is      b' = 1 if b in (0, -1) else b
                        q  = a sdiv b', minus 1 where the remainder is not 0 and the signs differ
                        0 if b == 0 else (0 - a if b == -1 else q)

What a literal or the ranges of the operands rule out is left away.

`llvm.minimumnum` is right on NVPTX, where it is one instruction; on x86 with AVX-512 LLVM 22 gives
NaN if it knows that one operand is none: there, comparisons and selections stand in its place.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from oxide_analyzer.facts.intervals import Interval
from oxide_analyzer.ir.nodes import BinaryOp, CompareOp, UnaryOp
from oxide_analyzer.language.types import F32
from oxide_analyzer.record import record
from oxide_codegen.lowering import halves
from oxide_codegen.lowering.builder import Builder, Value, constant, register_type
from oxide_codegen.lowering.functions import MOD, power

if TYPE_CHECKING:
    from collections.abc import Callable

    from oxide_analyzer.language.types import Scalar


@record
class Operands:
    """Two operands of one type; `signed` is about integers, `flags` about floats."""

    left: Value
    right: Value
    left_bounds: Interval
    right_bounds: Interval
    bits: int
    signed: bool
    flags: str
    has_minimum: bool


def unary(build: Builder, op: UnaryOp, operand: Value, scalar: Scalar, flags: str) -> Value:
    """`op operand`."""
    if _is_half(scalar):
        wide = unary(build, op, halves.widened(build, operand, scalar), F32, flags)
        return halves.narrowed(build, wide, scalar)
    match op:
        case UnaryOp.NEG if scalar.is_float:
            return build.value(operand.type, f"fneg {flags}{operand}")
        case UnaryOp.NEG:
            return build.value(operand.type, f"sub {operand.type} 0, {operand.text}")
        case UnaryOp.INVERT:
            return build.binary("xor", operand, "-1")
        case UnaryOp.ABS if scalar.is_float:
            return build.intrinsic("fabs", operand)
        case UnaryOp.ABS if not scalar.is_signed:
            return operand
        case UnaryOp.ABS:
            type_ = operand.type
            return build.value(type_, f"call {type_} @llvm.abs.{type_}({operand}, i1 false)")
        case UnaryOp.CLZ:
            type_ = operand.type
            return build.value(type_, f"call {type_} @llvm.ctlz.{type_}({operand}, i1 false)")
        case UnaryOp.POPC:
            return build.intrinsic("ctpop", operand)
        case UnaryOp.BREV:
            return build.intrinsic("bitreverse", operand)


def magnitude(build: Builder, operand: Value) -> Value:
    """|x| of a signed integer that may be the smallest, for PTX.

    The assembler takes what `abs` gives for positive, and makes the wrong remainder of |MIN|; so
    the negative comes from an instruction that LLVM does not see through.
    """
    wide, negative = _opaque_negative(build, operand)
    below = build.value("i1", f"icmp slt {wide}, 0")
    found = build.select(below, negative.text, wide)
    if wide is operand:
        return found
    return build.value(operand.type, f"trunc {found} to {operand.type}")


def negative(build: Builder, operand: Value) -> Value:
    """-x of a signed integer of 8 or 16 bits that may be the smallest, for PTX.

    Of `neg.s16` the assembler takes it that it does not wrap, and widens -MIN to a positive number.
    """
    _, found = _opaque_negative(build, operand)
    return build.value(operand.type, f"trunc {found} to {operand.type}")


def _opaque_negative(build: Builder, operand: Value) -> tuple[Value, Value]:
    """An integer of at least 32 bits, and its negative by an instruction that LLVM does not see
    through."""
    wide = operand
    if operand.type in ("i8", "i16"):
        wide = build.value("i32", f"sext {operand} to i32")
    suffix, register = ("s32", "r") if wide.type == "i32" else ("s64", "l")
    text = f'"neg.{suffix} $0, $1;", "={register},{register}"({wide})'
    return wide, build.value(wide.type, f"call {wide.type} asm {text}")


def binary(build: Builder, op: BinaryOp, operands: Operands, scalar: Scalar) -> Value:
    """`left op right`."""
    if _is_half(scalar):
        return _half_binary(build, op, operands, scalar)
    table = _FLOAT if scalar.is_float else _INTEGER
    return table[op](build, operands)


def combined(
    build: Builder, op: BinaryOp, left: Value, right: Value, scalar: Scalar, *, has_minimum: bool
) -> Value:
    """`left op right` where nothing is known of the operands: what atomics and warps compute."""
    anything = Interval(scalar.min, scalar.max) if scalar.is_integer else Interval(0, 0)
    operands = Operands(
        left, right, anything, anything, scalar.bits, scalar.is_signed, "", has_minimum
    )
    return binary(build, op, operands, scalar)


_FLOAT_PREDICATES = {
    CompareOp.EQ: "oeq",
    CompareOp.NE: "une",
    CompareOp.LT: "olt",
    CompareOp.LE: "ole",
    CompareOp.GT: "ogt",
    CompareOp.GE: "oge",
}
_SIGNED_PREDICATES = {
    CompareOp.EQ: "eq",
    CompareOp.NE: "ne",
    CompareOp.LT: "slt",
    CompareOp.LE: "sle",
    CompareOp.GT: "sgt",
    CompareOp.GE: "sge",
}
_UNSIGNED_PREDICATES = {
    CompareOp.EQ: "eq",
    CompareOp.NE: "ne",
    CompareOp.LT: "ult",
    CompareOp.LE: "ule",
    CompareOp.GT: "ugt",
    CompareOp.GE: "uge",
}


def compare(build: Builder, op: CompareOp, left: Value, right: Value, scalar: Scalar) -> Value:
    """`left op right`; a comparison with NaN is false, save `!=`."""
    if _is_half(scalar):
        left, right = (halves.widened(build, side, scalar) for side in (left, right))
    if scalar.is_float:
        return build.compare(f"fcmp {_FLOAT_PREDICATES[op]}", left, right)
    predicates = _SIGNED_PREDICATES if scalar.is_signed else _UNSIGNED_PREDICATES
    return build.compare(f"icmp {predicates[op]}", left, right)


def convert(build: Builder, operand: Value, source: Scalar, target: Scalar) -> Value:
    """`target(operand)`: truncates and saturates from float to integer, NaN gives 0."""
    type_ = register_type(target)
    if source == target:
        return operand
    if _is_half(source):
        return convert(build, halves.widened(build, operand, source), F32, target)
    if _is_half(target):
        if source.is_float:
            return halves.narrowed(build, operand, target)
        if source.name == "bool":
            operand = build.cast("zext", operand, "i32")
        return halves.from_integer(build, operand, target, signed=source.is_signed)
    if target.name == "bool":
        if source.is_float:
            return build.compare("fcmp une", operand, float_zero(source))
        return build.compare("icmp ne", operand, "0")
    if source.is_float and target.is_float:
        return build.cast("fpext" if target.bits > source.bits else "fptrunc", operand, type_)
    if source.is_float:
        name = "fptosi" if target.is_signed else "fptoui"
        suffix = f"{type_}.f{source.bits}"
        return build.value(type_, f"call {type_} @llvm.{name}.sat.{suffix}({operand})")
    if target.is_float:
        return build.cast("sitofp" if source.is_signed else "uitofp", operand, type_)
    return resize(build, operand, type_, signed=source.is_signed)


def resize(build: Builder, operand: Value, type_: str, *, signed: bool) -> Value:
    """An integer in another width: its low bits, or extended by its sign."""
    bits, target = int(operand.type[1:]), int(type_[1:])
    if bits == target:
        return operand
    if _is_literal(operand):
        # What it is in its own width, and of that the low bits: nobody below would cut it.
        value = _wrapped(int(operand.text), bits, signed=signed)
        return Value(str(_wrapped(value, target, signed=signed)), type_)
    if target < bits:
        return build.cast("trunc", operand, type_)
    return build.cast("sext" if signed else "zext", operand, type_)


def _is_half(scalar: Scalar) -> bool:
    return scalar.is_float and scalar.bits == 16


def _half_binary(build: Builder, op: BinaryOp, operands: Operands, scalar: Scalar) -> Value:
    left, right = (halves.widened(build, o, scalar) for o in (operands.left, operands.right))
    wide = replace(operands, left=left, right=right, bits=32)
    if op is BinaryOp.FLOORDIV:
        # The quotient is rounded before its floor is taken.
        quotient = halves.narrowed(build, build.binary("fdiv", left, right), scalar)
        floor = build.intrinsic("floor", halves.widened(build, quotient, scalar))
        return halves.narrowed(build, floor, scalar)
    return halves.narrowed(build, _FLOAT[op](build, wide), scalar)


def float_zero(scalar: Scalar) -> Value:
    """0.0."""
    return constant(0.0, scalar)


def _is_literal(operand: Value) -> bool:
    return operand.text.lstrip("-").isdigit()


def _wrapped(value: int, bits: int, *, signed: bool) -> int:
    low = value & ((1 << bits) - 1)
    return low - (1 << bits) if signed and low >> (bits - 1) else low


# ---------------------------------------------------------------- integers


def _plain(opcode: str) -> Callable[[Builder, Operands], Value]:
    return lambda build, o: build.binary(opcode, o.left, o.right)


def _floor_division(build: Builder, o: Operands) -> Value:
    shift = _power_of_two(o.right_bounds.literal)
    if shift is not None:
        opcode = "ashr" if o.signed else "lshr"
        return build.binary(opcode, o.left, str(shift)) if shift else o.left
    divisor, zero = _nonzero(build, o)
    if not o.signed or (o.left_bounds.low >= 0 and o.right_bounds.low >= 0):
        return _or_zero(build, zero, build.binary("udiv", o.left, divisor))
    divisor, minus_one = _not_minus_one(build, o, divisor)
    quotient = build.binary("sdiv", o.left, divisor)
    remainder = build.binary("srem", o.left, divisor)
    correction = build.cast("sext", _rounds_up(build, remainder, divisor), o.left.type)
    result = build.binary("add", quotient, correction)
    if minus_one is not None:
        negated = build.value(o.left.type, f"sub {o.left.type} 0, {o.left.text}")
        result = build.select(minus_one, negated, result)
    return _or_zero(build, zero, result)


def _modulo(build: Builder, o: Operands) -> Value:
    shift = _power_of_two(o.right_bounds.literal)
    if shift is not None:
        return build.binary("and", o.left, str((1 << shift) - 1))
    divisor, zero = _nonzero(build, o)
    if not o.signed or (o.left_bounds.low >= 0 and o.right_bounds.low >= 0):
        return _or_zero(build, zero, build.binary("urem", o.left, divisor))
    # By -1 the remainder is 0, and so it is by the 1 in its place.
    divisor, _ = _not_minus_one(build, o, divisor)
    remainder = build.binary("srem", o.left, divisor)
    up = _rounds_up(build, remainder, divisor)
    correction = build.value(o.left.type, f"select {up}, {divisor}, {o.left.type} 0")
    return _or_zero(build, zero, build.binary("add", remainder, correction))


def _power_of_two(literal: int | None) -> int | None:
    if literal is None or literal <= 0 or literal & (literal - 1):
        return None
    return literal.bit_length() - 1


def _nonzero(build: Builder, o: Operands) -> tuple[Value, Value | None]:
    """The divisor with 1 in place of 0, and whether it was 0 (None: it never is)."""
    if o.right_bounds.excludes(0):
        return o.right, None
    zero = build.compare("icmp eq", o.right, "0")
    return build.select(zero, "1", o.right), zero


def _not_minus_one(build: Builder, o: Operands, divisor: Value) -> tuple[Value, Value | None]:
    """The divisor with 1 in place of -1: MIN // -1 traps, on some machines x % -1 too."""
    if o.right_bounds.excludes(-1) or o.left_bounds.excludes(-(1 << (o.bits - 1))):
        return divisor, None
    minus_one = build.compare("icmp eq", o.right, "-1")
    return build.select(minus_one, "1", divisor), minus_one


def _rounds_up(build: Builder, remainder: Value, divisor: Value) -> Value:
    """Whether the truncated quotient lies above the floored one."""
    differ = build.compare("icmp slt", build.binary("xor", remainder, divisor), "0")
    return build.binary("and", build.compare("icmp ne", remainder, "0"), differ)


def _or_zero(build: Builder, zero: Value | None, result: Value) -> Value:
    return result if zero is None else build.select(zero, "0", result)


def _shift_left(build: Builder, o: Operands) -> Value:
    return _logical_shift(build, "shl", o)


def _shift_right(build: Builder, o: Operands) -> Value:
    if not o.signed:
        return _logical_shift(build, "lshr", o)
    if o.right_bounds.low >= 0 and o.right_bounds.high < o.bits:
        return build.binary("ashr", o.left, o.right)
    # As unsigned numbers negative amounts are wide ones; the widest keeps the sign alone.
    amount = build.intrinsic("umin", o.right, Value(str(o.bits - 1), o.right.type))
    return build.binary("ashr", o.left, amount)


def _logical_shift(build: Builder, opcode: str, o: Operands) -> Value:
    if o.right_bounds.low >= 0 and o.right_bounds.high < o.bits:
        return build.binary(opcode, o.left, o.right)
    narrow = build.compare("icmp ult", o.right, str(o.bits))
    amount = build.binary("and", o.right, str(o.bits - 1))
    shifted = build.binary(opcode, o.left, amount)
    return build.value(o.left.type, f"select {narrow}, {shifted}, {o.left.type} 0")


def _power(build: Builder, o: Operands) -> Value:
    type_ = o.left.type
    name = f"oxide.power.{type_}"
    build.functions[name] = power(type_)
    result = build.call(type_, name, o.left, o.right)
    if not o.signed or o.right_bounds.low >= 0:
        return result
    return build.select(build.compare("icmp slt", o.right, "0"), "0", result)


def _extremum(name: str) -> Callable[[Builder, Operands], Value]:
    return lambda build, o: build.intrinsic(f"{'s' if o.signed else 'u'}{name}", o.left, o.right)


def _no_integers(build: Builder, o: Operands) -> Value:
    raise ValueError(f"integers are not divided by `/`: {o}")


_INTEGER: dict[BinaryOp, Callable[[Builder, Operands], Value]] = {
    BinaryOp.ADD: _plain("add"),
    BinaryOp.SUB: _plain("sub"),
    BinaryOp.MUL: _plain("mul"),
    BinaryOp.DIV: _no_integers,
    BinaryOp.FLOORDIV: _floor_division,
    BinaryOp.MOD: _modulo,
    BinaryOp.AND: _plain("and"),
    BinaryOp.OR: _plain("or"),
    BinaryOp.XOR: _plain("xor"),
    BinaryOp.SHL: _shift_left,
    BinaryOp.SHR: _shift_right,
    BinaryOp.POW: _power,
    BinaryOp.MIN: _extremum("min"),
    BinaryOp.MAX: _extremum("max"),
}


# ---------------------------------------------------------------- floats


def _flagged(opcode: str) -> Callable[[Builder, Operands], Value]:
    return lambda build, o: build.binary(f"{opcode} {o.flags}".rstrip(), o.left, o.right)


def _float_floor_division(build: Builder, o: Operands) -> Value:
    return build.intrinsic("floor", build.binary("fdiv", o.left, o.right))


def _float_modulo(build: Builder, o: Operands) -> Value:
    return build.call(o.left.type, MOD.define(o.bits, build.functions), o.left, o.right)


def _minimum(build: Builder, o: Operands) -> Value:
    return _number(build, o, "minimumnum", "fcmp olt", "or")


def _maximum(build: Builder, o: Operands) -> Value:
    return _number(build, o, "maximumnum", "fcmp ogt", "and")


def _number(build: Builder, o: Operands, name: str, better: str, zeros: str) -> Value:
    """The better operand; a number if one is NaN; of two zeros what their signs make together."""
    if o.has_minimum:
        return build.intrinsic(name, o.left, o.right)
    chosen = build.select(build.compare(better, o.left, o.right), o.left, o.right)
    left, right = (build.cast("bitcast", v, f"i{o.bits}") for v in (o.left, o.right))
    both = build.cast("bitcast", build.binary(zeros, left, right), o.left.type)
    same = build.select(build.compare("fcmp oeq", o.left, o.right), both, chosen)
    return build.select(build.compare("fcmp uno", o.right, o.right), o.left, same)


def _no_floats(build: Builder, o: Operands) -> Value:
    raise ValueError(f"floats have no bit operators: {o}")


_FLOAT: dict[BinaryOp, Callable[[Builder, Operands], Value]] = {
    BinaryOp.ADD: _flagged("fadd"),
    BinaryOp.SUB: _flagged("fsub"),
    BinaryOp.MUL: _flagged("fmul"),
    BinaryOp.DIV: _flagged("fdiv"),
    BinaryOp.FLOORDIV: _float_floor_division,
    BinaryOp.MOD: _float_modulo,
    BinaryOp.AND: _no_floats,
    BinaryOp.OR: _no_floats,
    BinaryOp.XOR: _no_floats,
    BinaryOp.SHL: _no_floats,
    BinaryOp.SHR: _no_floats,
    BinaryOp.POW: _no_floats,
    BinaryOp.MIN: _minimum,
    BinaryOp.MAX: _maximum,
}
