"""Functions of floats: an instruction where LLVM has one that is exact, else a function as text.

LLVM's own `exp`, `sin` and the like are calls into libm on the host and crash the back end for
NVPTX, so every machine gets the same functions, written out in instructions: `functions.py`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from oxide_analyzer.ir.expressions import MathFunction
from oxide_codegen.lowering.functions import EXP, FMOD

if TYPE_CHECKING:
    from collections.abc import Sequence

    from oxide_analyzer.language.types import Scalar
    from oxide_codegen.lowering.builder import Builder, Value
    from oxide_codegen.lowering.functions import Function

_INSTRUCTIONS = {
    MathFunction.SQRT: "sqrt",
    MathFunction.FMA: "fma",
    MathFunction.FLOOR: "floor",
    MathFunction.CEIL: "ceil",
    MathFunction.TRUNC: "trunc",
    MathFunction.ROUND: "roundeven",
    MathFunction.COPYSIGN: "copysign",
}

_FUNCTIONS: dict[MathFunction, Function] = {
    MathFunction.EXP: EXP,
    MathFunction.FMOD: FMOD,
}


def math(build: Builder, function: MathFunction, values: Sequence[Value], scalar: Scalar) -> Value:
    """`function(values)`, of floats of one type."""
    instruction = _INSTRUCTIONS.get(function)
    if instruction is not None:
        return build.intrinsic(instruction, *values)
    written = _FUNCTIONS[function]
    name = written.name(scalar.bits)
    build.functions[name] = written.text(scalar.bits)
    return build.call(values[0].type, name, *values)
