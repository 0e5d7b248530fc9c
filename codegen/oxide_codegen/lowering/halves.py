"""Floats of 16 bits: bits in memory and registers, f32 in arithmetic.

A value of f16 or bf16 is an `i16` that moves like any other; an operation widens it, computes in
f32 and rounds the result, once: f32 has more than twice the bits of either and two to spare, so
+ - * / and sqrt are correctly rounded. What is computed in f64 is first rounded to odd, which
keeps what the second rounding needs.

    a + b     is     f16(f32(a) + f32(b))

f16 is converted by the instructions of the machine where it has them, else by integers: LLVM would
call functions that a process need not have. bf16 has them on devices from sm_80 on; elsewhere it
is rounded by integers, because the instruction of x86 takes subnormal numbers for zeros.

Where a device has arithmetic of halves LLVM takes that for the f32 in between, which gives the
same, and two neighbours at once: `fma.rn.f16x2`, from sm_90 on `fma.rn.bf16x2`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from oxide_codegen.lowering.formulas import absolute, define, where

if TYPE_CHECKING:
    from collections.abc import Sequence

    from oxide_analyzer.language.types import Scalar
    from oxide_codegen.lowering.builder import Builder, Value
    from oxide_codegen.lowering.formulas import Code, Term

_QUIET_NAN = 0x7FC0
_WIDENED, _NARROWED = "oxide.widened.f16", "oxide.narrowed.f16"


def widened(build: Builder, value: Value, scalar: Scalar) -> Value:
    """The value as a `float`."""
    if scalar.name == "f16":
        if not build.names.has_halves:
            build.functions |= define(_WIDENED, ("i32",), "float", _widened)
            return build.call("float", _WIDENED, build.cast("zext", value, "i32"))
        return build.cast("fpext", build.cast("bitcast", value, "half"), "float")
    if build.names.has_bfloats:
        return build.cast("fpext", build.cast("bitcast", value, "bfloat"), "float")
    bits = build.binary("shl", build.cast("zext", value, "i32"), "16")
    return build.cast("bitcast", bits, "float")


def narrowed(build: Builder, value: Value, scalar: Scalar) -> Value:
    """A `float` or `double`, rounded to nearest, ties to even."""
    if value.type == "double":
        value = _to_odd(build, value)
    if scalar.name == "f16":
        if not build.names.has_halves:
            build.functions |= define(_NARROWED, ("float",), "i32", _narrowed)
            return build.cast("trunc", build.call("i32", _NARROWED, value), "i16")
        return build.cast("bitcast", build.cast("fptrunc", value, "half"), "i16")
    if build.names.has_bfloats:
        return build.cast("bitcast", build.cast("fptrunc", value, "bfloat"), "i16")
    bits = build.cast("bitcast", value, "i32")
    odd = build.binary("and", build.binary("lshr", bits, "16"), "1")
    moved = build.binary("add", build.binary("add", bits, odd), str(0x7FFF))
    rounded = build.cast("trunc", build.binary("lshr", moved, "16"), "i16")
    nan = build.compare("fcmp uno", value, value)
    return build.select(nan, str(_QUIET_NAN), rounded)


def from_integer(build: Builder, value: Value, scalar: Scalar, *, signed: bool) -> Value:
    """An integer, rounded once."""
    bits = int(value.type[1:])
    if bits == 64:
        # What a double does not hold is folded into one sticky bit.
        low = build.compare("icmp ne", build.binary("and", value, "65535"), "0")
        shifted = build.binary("ashr" if signed else "lshr", value, "16")
        sticky = build.binary("or", shifted, build.cast("zext", low, "i64"))
        scaled = build.cast("sitofp" if signed else "uitofp", sticky, "double")
        wide = build.binary("fmul", scaled, "65536.0")
        exact = build.cast("sitofp" if signed else "uitofp", value, "double")
        top = build.binary("ashr" if signed else "lshr", value, "52")
        small = build.compare("icmp eq", top, "0")
        if signed:
            small = build.binary("or", small, build.compare("icmp eq", top, "-1"))
        return narrowed(build, build.select(small, exact, wide), scalar)
    return narrowed(build, build.cast("sitofp" if signed else "uitofp", value, "double"), scalar)


def fused(build: Builder, values: Sequence[Value], scalar: Scalar) -> Value | None:
    """`x * y + z` of bits, rounded once, where the machine has an instruction for it."""
    names = build.names
    converts = names.has_halves if scalar.name == "f16" else names.has_bfloats
    if not (names.fuses_halves and converts):
        return None
    type_, suffix = ("half", "f16") if scalar.name == "f16" else ("bfloat", "bf16")
    operands = [build.cast("bitcast", value, type_) for value in values]
    return build.cast("bitcast", build.call(type_, f"llvm.fma.{suffix}", *operands), "i16")


def odd_sum(build: Builder, left: Value, right: Value) -> Value:
    """The sum of two doubles, rounded to odd."""
    total = build.binary("fadd", left, right)
    shift = build.binary("fsub", total, left)
    lost = build.binary("fsub", left, build.binary("fsub", total, shift))
    rest = build.binary("fadd", lost, build.binary("fsub", right, shift))
    bits = build.cast("bitcast", total, "i64")
    even = build.compare("icmp eq", build.binary("and", bits, "1"), "0")
    inexact = build.compare("fcmp one", rest, "0.0")
    negative = build.compare("icmp slt", bits, "0")
    below = build.compare("fcmp olt", rest, "0.0")
    inwards = build.binary("xor", negative, below)
    step = build.value("i64", f"select {inwards}, i64 -1, i64 1")
    moves = build.binary("and", even, inexact)
    moved = build.select(moves, build.binary("add", bits, step), bits)
    return build.cast("bitcast", moved, "double")


def _to_odd(build: Builder, value: Value) -> Value:
    """A double as the `float` beside it that is odd, unless it is one itself."""
    near = build.cast("fptrunc", value, "float")
    back = build.cast("fpext", near, "double")
    bits = build.cast("bitcast", near, "i32")
    even = build.compare("icmp eq", build.binary("and", bits, "1"), "0")
    inexact = build.compare("fcmp one", back, value)
    size, target = build.intrinsic("fabs", back), build.intrinsic("fabs", value)
    beyond = build.compare("fcmp ogt", size, target)
    step = build.value("i32", f"select {beyond}, i32 -1, i32 1")
    moves = build.binary("and", even, inexact)
    moved = build.select(moves, build.binary("add", bits, step), bits)
    return build.cast("bitcast", moved, "float")


def _widened(code: Code, x: Term) -> Term:
    """The `float` of the bits of an f16: exact, by a product that moves the exponent."""
    del code
    size = x & 0x7FFF
    finite = (size << 13).real * 2.0**112
    special = (size << 13) | 0x7F800000
    bits = where(size >= 0x7C00, special, finite.bits)
    return (bits | ((x & 0x8000) << 16)).real


def _narrowed(code: Code, x: Term) -> Term:
    """The bits of the f16 nearest to a `float`, ties to even."""
    del code
    sign, size = x.bits.unsigned_shift(16) & 0x8000, absolute(x)
    bits = size.bits
    # Up to the smallest normal number, the last place of a sum with ½ is that of the result.
    subnormal = (size + 0.5).bits - 0x3F000000
    odd = bits.unsigned_shift(13) & 1
    normal = (bits + odd + (0xFFF - (112 << 23))).unsigned_shift(13)
    finite = where(size < 2.0**-14, subnormal, normal)
    # From half a place beyond the largest number on.
    result = where(size >= 65520.0, 0x7C00, finite)
    return where(x.differs(x), 0x7E00, result) | sign
