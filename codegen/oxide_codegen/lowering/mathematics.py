"""Functions of floats: an instruction where LLVM has one that is exact, else a function as text.

LLVM's own `exp`, `sin` and the like are calls into libm on the host and crash the back end for
NVPTX, so every machine gets the same functions, written out in instructions. Those of f32 are
computed in doubles and rounded, save `exp`, which has its own.
"""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING

from oxide_analyzer.ir.expressions import MathFunction
from oxide_analyzer.language.types import F32, F64
from oxide_analyzer.record import record
from oxide_codegen.lowering import exponentials, gamma, halves, special, trigonometry
from oxide_codegen.lowering.formulas import Code, Term, define
from oxide_codegen.lowering.functions import EXP, FMOD

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from oxide_analyzer.language.types import Scalar
    from oxide_codegen.lowering.builder import Builder, Value
    from oxide_codegen.lowering.functions import Definition

_INSTRUCTIONS = {
    MathFunction.SQRT: "sqrt",
    MathFunction.FMA: "fma",
    MathFunction.FLOOR: "floor",
    MathFunction.CEIL: "ceil",
    MathFunction.TRUNC: "trunc",
    MathFunction.ROUND: "roundeven",
    MathFunction.COPYSIGN: "copysign",
}
_FORMULAS: dict[MathFunction, Callable[..., Term]] = {
    MathFunction.RSQRT: special.rsqrt,
    MathFunction.CBRT: special.cbrt,
    MathFunction.HYPOT: special.hypot,
    MathFunction.REMAINDER: special.remainder,
    MathFunction.LDEXP: special.ldexp,
    MathFunction.SIGNIFICAND: special.significand,
    MathFunction.EXPONENT: special.exponent,
    MathFunction.ERF: special.erf,
    MathFunction.ERFC: special.erfc,
    MathFunction.GAMMA: gamma.gamma,
    MathFunction.LGAMMA: gamma.lgamma,
    MathFunction.EXP2: exponentials.exp2,
    MathFunction.EXPM1: exponentials.expm1,
    MathFunction.LOG: exponentials.log,
    MathFunction.LOG2: exponentials.log2,
    MathFunction.LOG10: exponentials.log10,
    MathFunction.LOG1P: exponentials.log1p,
    MathFunction.POW: exponentials.pow_,
    MathFunction.SINH: exponentials.sinh,
    MathFunction.COSH: exponentials.cosh,
    MathFunction.TANH: exponentials.tanh,
    MathFunction.ASINH: exponentials.asinh,
    MathFunction.ACOSH: exponentials.acosh,
    MathFunction.ATANH: exponentials.atanh,
    MathFunction.SIN: trigonometry.sin,
    MathFunction.COS: trigonometry.cos,
    MathFunction.TAN: trigonometry.tan,
    MathFunction.ASIN: trigonometry.asin,
    MathFunction.ACOS: trigonometry.acos,
    MathFunction.ATAN: trigonometry.atan,
    MathFunction.ATAN2: trigonometry.atan2,
}

# The most that a result is off, in units of the last place of f64, as measured over millions of
# operands; of f32 it is less than one, save `exp`, which is within the same on the cpu and within
# two on devices.
ULP: dict[MathFunction, float] = {
    MathFunction.RSQRT: 1.5,
    MathFunction.CBRT: 1.0,
    MathFunction.HYPOT: 1.0,
    MathFunction.EXP: 1.0,
    MathFunction.EXP2: 1.0,
    MathFunction.EXPM1: 2.0,
    MathFunction.LOG: 1.0,
    MathFunction.LOG2: 1.0,
    MathFunction.LOG10: 1.0,
    MathFunction.LOG1P: 1.0,
    MathFunction.POW: 1.0,
    MathFunction.SIN: 1.0,
    MathFunction.COS: 1.0,
    MathFunction.TAN: 2.0,
    MathFunction.ASIN: 2.5,
    MathFunction.ACOS: 1.0,
    MathFunction.ATAN: 1.0,
    MathFunction.ATAN2: 1.5,
    MathFunction.SINH: 2.0,
    MathFunction.COSH: 1.5,
    MathFunction.TANH: 2.5,
    MathFunction.ASINH: 2.0,
    MathFunction.ACOSH: 2.0,
    MathFunction.ATANH: 2.0,
    MathFunction.ERF: 1.5,
    MathFunction.ERFC: 3.0,
    MathFunction.GAMMA: 4.5,
    # Below 0, where it is near zero, of an ulp of 4.
    MathFunction.LGAMMA: 4.0,
}


@record
class Formula:
    """A function that is written as a formula of doubles."""

    stem: str
    body: Callable[..., Term]
    arity: int

    def name(self, bits: int) -> str:
        """Its name for floats of `bits`."""
        return f"oxide.{self.stem}.f{bits}"

    def define(self, bits: int, functions: dict[str, str]) -> str:
        """Put it, and what it calls, among `functions`; gives its name."""
        name = self.name(bits)
        if name not in functions:
            kind = "double" if bits == 64 else "float"
            body = self.body if bits == 64 else self._rounded
            functions |= define(name, (kind,) * self.arity, kind, body)
        return name

    def _rounded(self, code: Code, *operands: Term) -> Term:
        """At the precision of f32, by way of doubles."""
        wide = [operand.cast("fpext", "double") for operand in operands]
        return self.body(code, *wide).cast("fptrunc", "float")


FUNCTIONS = {
    MathFunction.EXP: EXP,
    MathFunction.FMOD: FMOD,
    **{
        function: Formula(function.value, body, function.arity)
        for function, body in _FORMULAS.items()
    },
}


def math(
    build: Builder,
    function: MathFunction,
    values: Sequence[Value],
    scalar: Scalar,
    own: Mapping[MathFunction, Definition] = MappingProxyType({}),
) -> Value:
    """`function(values)`, of floats of one type; `own` is what the machine has a better form of."""
    if scalar.bits == 16:
        return _of_halves(build, function, values, scalar)
    instruction = _INSTRUCTIONS.get(function)
    if instruction is not None:
        return build.intrinsic(instruction, *values)
    name = (own.get(function) or FUNCTIONS[function]).define(scalar.bits, build.functions)
    return build.call(values[0].type, name, *values)


def approximate(
    build: Builder, function: Definition, values: Sequence[Value], scalar: Scalar
) -> Value:
    """What a device takes for a function of f32, of floats of at most its precision."""
    if scalar.bits == 16:
        values = [halves.widened(build, value, scalar) for value in values]
    found = build.call("float", function.define(F32.bits, build.functions), *values)
    return halves.narrowed(build, found, scalar) if scalar.bits == 16 else found


def _of_halves(
    build: Builder, function: MathFunction, values: Sequence[Value], scalar: Scalar
) -> Value:
    """Of f16 or bf16: exact instructions in f32, formulas in f64, each rounded once.

    Never first to f32 and then to f16: LLVM 22 makes one rounding of the two on x86, and calls a
    function for it that is not there.
    """
    if function is MathFunction.FMA:
        fused = halves.fused(build, values, scalar)
        if fused is not None:
            return fused
    wide = [halves.widened(build, value, scalar) for value in values]
    if function is not MathFunction.FMA and function not in _FORMULAS:
        return halves.narrowed(build, math(build, function, wide, F32), scalar)
    doubles = [build.cast("fpext", value, "double") for value in wide]
    if function is not MathFunction.FMA:
        return halves.narrowed(build, math(build, function, doubles, F64), scalar)
    x, y, z = doubles
    return halves.narrowed(build, halves.odd_sum(build, build.binary("fmul", x, y), z), scalar)
