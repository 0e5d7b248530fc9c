"""Functions of f32 as a device approximates them, in an instruction or a few.

    fast.exp(x)     ex2.approx(x · log₂e)
    fast.sin(x)     sin.approx(x)
    fast.pow(x, y)  ex2.approx(y · lg2.approx(x)), of which negative x have none

They are what `fast.*` and `@kernel(fast_math=True)` ask for; `docs/language.md` says how far they
are off. f16 and bf16 are computed in f32 and rounded; for f64 a device has no such instructions,
and the host none for any type: there the accurate functions stand in their place.
"""

from __future__ import annotations

from math import log, log2
from typing import TYPE_CHECKING

from oxide_analyzer.ir.expressions import MathFunction
from oxide_codegen.lowering.formulas import Code, Term, define
from oxide_codegen.lowering.functions import Function

if TYPE_CHECKING:
    from collections.abc import Callable

# What a fast kernel lets LLVM do with + - * / besides fusing; never that there is no NaN or
# infinity.
FAST_FLAGS = "afn arcp nsz reassoc "


def _instruction(name: str) -> Callable[[Code, Term], Term]:
    return lambda code, x: code.call(f"llvm.nvvm.{name}", "float", x)


_POWER = _instruction("ex2.approx.f")
_LOGARITHM = _instruction("lg2.approx.f")
_SINE = _instruction("sin.approx.f")
_COSINE = _instruction("cos.approx.f")


def _exp(code: Code, x: Term) -> Term:
    return _POWER(code, x * log2(2.718281828459045))


def _log(code: Code, x: Term) -> Term:
    return _LOGARITHM(code, x) * log(2.0)


def _log10(code: Code, x: Term) -> Term:
    return _LOGARITHM(code, x) * (log(2.0) / log(10.0))


def _pow(code: Code, x: Term, y: Term) -> Term:
    return _POWER(code, y * _LOGARITHM(code, x))


def _quotient(code: Code, x: Term, y: Term) -> Term:
    return code.value("float", f"fdiv afn arcp float {x.text}, {y.text}")


def _tan(code: Code, x: Term) -> Term:
    return _quotient(code, _SINE(code, x), _COSINE(code, x))


def _tanh(code: Code, x: Term) -> Term:
    two = code.constant(2.0, "float")
    return 1.0 - _quotient(code, two, _exp(code, x * 2.0) + 1.0)


_BODIES: dict[MathFunction, Callable[..., Term]] = {
    MathFunction.EXP: _exp,
    MathFunction.EXP2: _POWER,
    MathFunction.LOG: _log,
    MathFunction.LOG2: _LOGARITHM,
    MathFunction.LOG10: _log10,
    MathFunction.POW: _pow,
    MathFunction.SIN: _SINE,
    MathFunction.COS: _COSINE,
    MathFunction.TAN: _tan,
    MathFunction.TANH: _tanh,
    MathFunction.SQRT: _instruction("sqrt.approx.f"),
    MathFunction.RSQRT: _instruction("rsqrt.approx.f"),
}


def _template(function: MathFunction) -> Callable[[int], str]:
    def text(bits: int) -> str:
        if bits != 32:
            raise ValueError(f"no device approximates {function} of f{bits}")
        name = f"oxide.fast.{function.value}.f32"
        return define(name, ("float",) * function.arity, "float", _BODIES[function])[name]

    return text


APPROXIMATIONS = {
    function: Function(f"fast.{function.value}", _template(function)) for function in _BODIES
}
