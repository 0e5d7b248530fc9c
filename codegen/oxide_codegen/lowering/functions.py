"""Functions that LLVM has no instruction for, as text: the same on every target.

`exp(x)` splits x = n·ln 2 + r with |r| ≤ ln 2 / 2, both steps by fused multiply-add, sums a
polynomial in r, and scales by 2ⁿ in two exact halves, so that subnormal results are rounded once.
No branches: a loop over it vectorises. At most 2 ulp in f32 and in f64 (measured: 1).

`mod(x, y)` is Python's `%`: `fmod`, which is exact, moved to the divisor's sign. LLVM's `frem` is a
call into libm on the host and an inexact `x - trunc(x / y) * y` on NVPTX. Here the significands
are divided as integers, as many bits of the exponents' difference at a time as 64 bits hold.
"""

from __future__ import annotations

from math import factorial
from typing import TYPE_CHECKING, Protocol

from oxide_analyzer.record import record
from oxide_codegen.lowering.builder import float_bits

if TYPE_CHECKING:
    from collections.abc import Callable


class Definition(Protocol):
    """What stands for a function: an own one, or one that is declared and linked."""

    def define(self, bits: int, functions: dict[str, str]) -> str:
        """Put it, and what it calls, among `functions`; gives its name."""
        ...


@record
class Function:
    """An LLVM function for f32 and for f64."""

    stem: str
    template: Callable[[int], str]

    def name(self, bits: int) -> str:
        """Its name for floats of `bits`."""
        return f"oxide.{self.stem}.f{bits}"

    def definition(self, bits: int) -> str:
        """Its text for floats of `bits`."""
        return self.template(bits)

    def define(self, bits: int, functions: dict[str, str]) -> str:
        """Put it, and what it calls, among `functions`; gives its name."""
        functions[self.name(bits)] = self.definition(bits)
        return self.name(bits)


@record
class _Exponential:
    """Constants of `exp` at one precision; `polynomial` from the highest power down to r²."""

    overflow: float
    underflow: float
    ln2_high: float
    ln2_low: float
    polynomial: tuple[float, ...]


_LOG2_E = 1.4426950408889634
_EXPONENTIALS = {
    32: _Exponential(
        89.0,
        -105.0,
        0.693147182464599609375,
        -1.904654299957767878541e-9,
        (
            1.9875691500e-4,
            1.3981999507e-3,
            8.3334519073e-3,
            4.1665795894e-2,
            1.6666665459e-1,
            5.0000001201e-1,
        ),
    ),
    64: _Exponential(
        710.0,
        -746.0,
        6.93147180369123816490e-01,
        1.90821492927058770002e-10,
        tuple(1 / factorial(power) for power in range(13, 1, -1)),
    ),
}
_SIGNIFICAND = {32: 23, 64: 52}
_FLOAT_TYPES = {32: "float", 64: "double"}


def _exp(bits: int) -> str:
    constants = _EXPONENTIALS[bits]
    t, i, m = _FLOAT_TYPES[bits], f"i{bits}", _SIGNIFICAND[bits]
    bias = (1 << (bits - m - 2)) - 1

    def real(value: float) -> str:
        return f"{t} {float_bits(value, bits)}"

    first, *rest = constants.polynomial
    lines = [f"  %p0 = fadd {t} {real(first).split()[1]}, 0.0"]
    for number, coefficient in enumerate(rest):
        lines.append(
            f"  %p{number + 1} = call {t} @llvm.fma.f{bits}({t} %p{number}, {t} %r, "
            f"{real(coefficient)})"
        )
    horner, last = "\n".join(lines), len(rest)
    return f"""
define internal {t} @oxide.exp.f{bits}({t} %x) alwaysinline nounwind willreturn memory(none) {{
  %below = fcmp olt {t} %x, {real(constants.overflow).split()[1]}
  %x1 = select i1 %below, {t} %x, {real(constants.overflow)}
  %above = fcmp ogt {t} %x1, {real(constants.underflow).split()[1]}
  %x2 = select i1 %above, {t} %x1, {real(constants.underflow)}
  %scaled = fmul {t} %x2, {real(_LOG2_E).split()[1]}
  %n = call {t} @llvm.roundeven.f{bits}({t} %scaled)
  %minus = fneg {t} %n
  %r1 = call {t} @llvm.fma.f{bits}({t} %minus, {real(constants.ln2_high)}, {t} %x2)
  %r = call {t} @llvm.fma.f{bits}({t} %minus, {real(constants.ln2_low)}, {t} %r1)
{horner}
  %square = fmul {t} %r, %r
  %tail = call {t} @llvm.fma.f{bits}({t} %p{last}, {t} %square, {t} %r)
  %sum = fadd {t} %tail, 1.0
  %k = fptosi {t} %n to {i}
  %k1 = ashr {i} %k, 1
  %k2 = sub {i} %k, %k1
  %e1 = add {i} %k1, {bias}
  %e2 = add {i} %k2, {bias}
  %s1 = shl {i} %e1, {m}
  %s2 = shl {i} %e2, {m}
  %f1 = bitcast {i} %s1 to {t}
  %f2 = bitcast {i} %s2 to {t}
  %y1 = fmul {t} %sum, %f1
  %y = fmul {t} %y1, %f2
  %nan = fcmp uno {t} %x, 0.0
  %result = select i1 %nan, {t} %x, {t} %y
  ret {t} %result
}}"""


def _mod(bits: int) -> str:
    return _remainder(
        "mod",
        bits,
        """
  %exact = fcmp oeq {t} %r, 0.0
  %r.bits = bitcast {t} %r to {i}
  %differ = xor {i} %r.bits, %y.bits
  %opposite = icmp slt {i} %differ, 0
  %moved = fadd {t} %r, %y
  %inexact = select i1 %opposite, {t} %moved, {t} %r
  %nothing = call {t} @llvm.copysign.f{bits}({t} 0.0, {t} %y)
  %result = select i1 %exact, {t} %nothing, {t} %inexact
  ret {t} %result""",
    )


def _fmod(bits: int) -> str:
    return _remainder("fmod", bits, "\n  ret {t} %r")


def _remainder(name: str, bits: int, end: str) -> str:
    t, i, m = _FLOAT_TYPES[bits], f"i{bits}", _SIGNIFICAND[bits]
    implicit, largest = 1 << m, (1 << (bits - 1)) - 1
    infinity = largest - (implicit - 1)
    widen = "add i64 0, %{0}" if bits == 64 else "zext i32 %{0} to i64"
    narrow = "add i64 0, %packed" if bits == 64 else "trunc i64 %packed to i32"

    def significand(v: str) -> str:
        return f"""
  %{v}.wide = {widen.format(f"{v}.abs")}
  %{v}.field = lshr i64 %{v}.wide, {m}
  %{v}.low = and i64 %{v}.wide, {implicit - 1}
  %{v}.one = or i64 %{v}.low, {implicit}
  %{v}.zeros = call i64 @llvm.ctlz.i64(i64 %{v}.wide, i1 false)
  %{v}.shift = sub i64 %{v}.zeros, {63 - m}
  %{v}.up = and i64 %{v}.shift, 63
  %{v}.shifted = shl i64 %{v}.wide, %{v}.up
  %{v}.under = sub i64 1, %{v}.shift
  %{v}.subnormal = icmp eq i64 %{v}.field, 0
  %{v}.m = select i1 %{v}.subnormal, i64 %{v}.shifted, i64 %{v}.one
  %{v}.e = select i1 %{v}.subnormal, i64 %{v}.under, i64 %{v}.field"""

    return f"""
define internal {t} @oxide.{name}.f{bits}({t} %x, {t} %y) nounwind willreturn memory(none) {{
start:
  %x.bits = bitcast {t} %x to {i}
  %y.bits = bitcast {t} %y to {i}
  %x.abs = and {i} %x.bits, {largest}
  %y.abs = and {i} %y.bits, {largest}
  %zero = icmp eq {i} %y.abs, 0
  %endless = icmp uge {i} %x.abs, {infinity}
  %nan = icmp ugt {i} %y.abs, {infinity}
  %bad1 = or i1 %zero, %endless
  %bad = or i1 %bad1, %nan
  br i1 %bad, label %undefined, label %defined
undefined:
  ret {t} 0x7FF8000000000000
defined:
  %smaller = icmp ult {i} %x.abs, %y.abs
  br i1 %smaller, label %sign, label %divide
divide:{significand("x")}{significand("y")}
  %m0 = urem i64 %x.m, %y.m
  br label %head
head:
  %m = phi i64 [ %m0, %divide ], [ %m2, %step ]
  %e = phi i64 [ %x.e, %divide ], [ %e2, %step ]
  %left = sub i64 %e, %y.e
  %more = icmp sgt i64 %left, 0
  br i1 %more, label %step, label %pack
step:
  %some = call i64 @llvm.umin.i64(i64 %left, i64 {63 - m})
  %m1 = shl i64 %m, %some
  %m2 = urem i64 %m1, %y.m
  %e2 = sub i64 %e, %some
  br label %head
pack:
  %none = icmp eq i64 %m, 0
  %zeros = call i64 @llvm.ctlz.i64(i64 %m, i1 false)
  %shift = sub i64 %zeros, {63 - m}
  %up = and i64 %shift, 63
  %m3 = shl i64 %m, %up
  %e3 = sub i64 %e, %shift
  %normal = icmp sgt i64 %e3, 0
  %field = shl i64 %e3, {m}
  %low = and i64 %m3, {implicit - 1}
  %whole = or i64 %low, %field
  %down0 = sub i64 1, %e3
  %down = and i64 %down0, 63
  %under = lshr i64 %m3, %down
  %finite = select i1 %normal, i64 %whole, i64 %under
  %packed = select i1 %none, i64 0, i64 %finite
  %packed.bits = {narrow}
  %packed.float = bitcast {i} %packed.bits to {t}
  %remainder = call {t} @llvm.copysign.f{bits}({t} %packed.float, {t} %x)
  br label %sign
sign:
  %r = phi {t} [ %x, %defined ], [ %remainder, %pack ]{end.format(t=t, i=i, bits=bits)}
}}"""


def power(type_: str) -> str:
    """`oxide.power` of an integer type: the exponent, read as unsigned, bit by bit."""
    return f"""
define internal {type_} @oxide.power.{type_}({type_} %base, {type_} %exponent) \
nounwind willreturn memory(none) {{
start:
  br label %head
head:
  %b = phi {type_} [ %base, %start ], [ %b2, %step ]
  %e = phi {type_} [ %exponent, %start ], [ %e2, %step ]
  %r = phi {type_} [ 1, %start ], [ %r2, %step ]
  %done = icmp eq {type_} %e, 0
  br i1 %done, label %end, label %step
step:
  %low = trunc {type_} %e to i1
  %factor = select i1 %low, {type_} %b, {type_} 1
  %r2 = mul {type_} %r, %factor
  %b2 = mul {type_} %b, %b
  %e2 = lshr {type_} %e, 1
  br label %head
end:
  ret {type_} %r
}}"""


def _device_exp(bits: int) -> str:
    """exp(x) in f32 as 2ⁿ·2ᶠ with the device's own power of two.

    n is found by rounding down x·log₂e + 126 as the low bits of a float, clamped to what a float's
    exponent holds; what is beyond goes into f, so the ends are right: 0, subnormal numbers, inf.
    Over all floats it is within 2 ulp, as measured on an H200.
    """
    if bits != 32:
        return _exp(bits)

    def real(value: float) -> str:
        return float_bits(value, 32)

    scale, shift = real(_LOG2_E / 252), real(float((3 << 22) + 1))
    high, low = real(1.4426950216293335), real(1.925963033500011e-08)
    return f"""
define internal float @oxide.exp.f32(float %x) alwaysinline nounwind willreturn memory(none) {{
  %part = call float @llvm.fma.f32(float %x, float {scale}, float {real(0.5)})
  %clamped = call float @llvm.nvvm.saturate.f(float %part)
  %bits = call float @llvm.nvvm.fma.rm.f(float %clamped, float {real(252.0)}, float {shift})
  %n = fsub float %bits, {real(float((3 << 22) + 127))}
  %minus = fneg float %n
  %f1 = call float @llvm.fma.f32(float %x, float {high}, float %minus)
  %f = call float @llvm.fma.f32(float %x, float {low}, float %f1)
  %power = call float @llvm.nvvm.ex2.approx.ftz.f(float %f)
  %integer = bitcast float %bits to i32
  %exponent = shl i32 %integer, 23
  %factor = bitcast i32 %exponent to float
  %y = fmul contract float %power, %factor
  ret float %y
}}"""


EXP = Function("exp", _exp)
DEVICE_EXP = Function("exp", _device_exp)
MOD = Function("mod", _mod)
FMOD = Function("fmod", _fmod)
