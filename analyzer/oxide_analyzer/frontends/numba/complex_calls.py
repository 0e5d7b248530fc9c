"""Calls that take or give complex numbers.

    complex(x, y), np.complex64(z)           a complex number
    abs(z), z.conjugate(), np.real(z)        of its parts
    cmath.exp(z), np.sqrt(z)                 see `supplied`

The arguments are evaluated first; where none of them is complex, they are handed on under names
that no source can have, so that nothing is evaluated twice.
"""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING

from oxide_analyzer.frontends.numba import complexes, supplied
from oxide_analyzer.frontends.numba.promotion import as_type, common, zero
from oxide_analyzer.frontends.oxide import calls, indexing
from oxide_analyzer.frontends.oxide.values import Number, TupleValue
from oxide_analyzer.ir.nodes import (
    BinaryOp,
    Compare,
    CompareOp,
    Const,
    Logic,
    LogicOp,
    Math,
    MathFunction,
    Unary,
    UnaryOp,
)
from oxide_analyzer.language.numba import CMATH_FUNCTIONS
from oxide_analyzer.language.types import BOOL, F32, F64

if TYPE_CHECKING:
    from collections.abc import Callable

    from oxide_analyzer.frontends.numba.lowering import NumbaLowering
    from oxide_analyzer.frontends.oxide.values import Value
    from oxide_analyzer.language.row import Builtin
    from oxide_analyzer.language.types import Scalar
    from oxide_analyzer.source import Span


def call(lowering: NumbaLowering, node: ast.Call, row: Builtin) -> Value:
    """A call of a function that takes complex numbers, or gives them."""
    rule = RULES[row.name]
    if node.keywords or any(isinstance(argument, ast.Starred) for argument in node.args):
        return _not_known(lowering, node)
    values = [lowering.evaluate(argument) for argument in node.args]
    some = any(complexes.is_complex(value) for value in values)
    if not some and not row.name.startswith(_ALWAYS):
        return _handed_on(lowering, node, row, values)
    if not values or not all(isinstance(v, Number) or complexes.is_complex(v) for v in values):
        return _not_known(lowering, node)
    return rule(lowering, node, values) or _not_known(lowering, node)


def conjugate(lowering: NumbaLowering, node: ast.Call, value: Value) -> Value:
    """`z.conjugate()`; of a number that is no complex one, the number."""
    if complexes.is_complex(value):
        return complexes.conjugate(lowering, value, lowering.span(node))
    return value


def _handed_on(lowering: NumbaLowering, node: ast.Call, row: Builtin, values: list[Value]) -> Value:
    """The call as Oxide has it, of values that are known already."""
    names: list[ast.expr] = []
    for k, (argument, value) in enumerate(zip(node.args, values, strict=True)):
        lowering.frame.statics[f"%{k}"] = value
        names.append(ast.copy_location(ast.Name(f"%{k}", ast.Load()), argument))
    made = ast.copy_location(ast.Call(node.func, names, []), node)
    return calls.known(lowering, made, row)


def _not_known(lowering: NumbaLowering, node: ast.Call) -> Value:
    lowering.assume(node, f"`{lowering.text(node)}`")
    return lowering.forget(node, f"`{lowering.text(node)}`", F64)


# ---------------------------------------------------------------- making them


def _complex(lowering: NumbaLowering, node: ast.Call, values: list[Value]) -> Value | None:
    """`complex(x, y)`, `complex(z)`."""
    span = lowering.span(node)
    match values:
        case [Number() as number]:
            return complexes.of_number(lowering, number, span)
        case [TupleValue() as value]:
            return value
        case [Number() as real, Number() as imaginary]:
            met = common(real.expr.type, imaginary.expr.type)
            part = F32 if met == F32 else F64
            return complexes.made(
                lowering, as_type(real, part, span), as_type(imaginary, part, span), span
            )
        case _:
            return None


def _with_parts(part: Scalar) -> Callable[[NumbaLowering, ast.Call, list[Value]], Value | None]:
    """`np.complex64(z)`, `numba.complex128(x, y)`."""

    def converted(lowering: NumbaLowering, node: ast.Call, values: list[Value]) -> Value | None:
        made = _complex(lowering, node, values)
        if not complexes.is_complex(made):
            return None
        return complexes.cast(lowering, made, part, lowering.span(node))

    return converted


def _rect(lowering: NumbaLowering, node: ast.Call, values: list[Value]) -> Value | None:
    """`cmath.rect(r, phi)`."""
    if len(values) != 2 or not all(isinstance(value, Number) for value in values):
        return None
    made = _complex(lowering, node, values)
    if not complexes.is_complex(made):
        return None
    return supplied.function(lowering, node, "rect", made)


# ---------------------------------------------------------------- what they have


def _as_complex(lowering: NumbaLowering, value: Value, span: Span) -> TupleValue | None:
    if complexes.is_complex(value):
        return value
    return complexes.of_number(lowering, value, span) if isinstance(value, Number) else None


def _magnitude(lowering: NumbaLowering, node: ast.Call, values: list[Value]) -> Value | None:
    match values:
        case [TupleValue() as value]:
            return complexes.magnitude(lowering, value, lowering.span(node))
        case _:
            return None


def _conjugate(lowering: NumbaLowering, node: ast.Call, values: list[Value]) -> Value | None:
    return conjugate(lowering, node, values[0]) if len(values) == 1 else None


def _part(place: int) -> Callable[[NumbaLowering, ast.Call, list[Value]], Value | None]:
    """`np.real(z)`, `np.imag(z)`."""

    def of(lowering: NumbaLowering, node: ast.Call, values: list[Value]) -> Value | None:
        span = lowering.span(node)
        match values:
            case [TupleValue() as value]:
                leaf = complexes.parts(lowering, value, span)[place]
                return Number(leaf, leaf.type)
            case [Number() as number]:
                type = number.expr.type
                return Number(zero(type, span), type) if place else number
            case _:
                return None

    return of


def _phase(lowering: NumbaLowering, node: ast.Call, values: list[Value]) -> Value | None:
    span = lowering.span(node)
    value = _as_complex(lowering, values[0], span) if len(values) == 1 else None
    return None if value is None else _angle(lowering, value, span)


def _angle(lowering: NumbaLowering, value: TupleValue, span: Span) -> Number:
    real, imaginary = complexes.parts(lowering, value, span)
    expr = Math(MathFunction.ATAN2, (imaginary, real), real.type, span)
    return lowering.flat(Number(expr, real.type, depth=2))


def _polar(lowering: NumbaLowering, node: ast.Call, values: list[Value]) -> Value | None:
    span = lowering.span(node)
    value = _as_complex(lowering, values[0], span) if len(values) == 1 else None
    if value is None:
        return None
    size = complexes.magnitude(lowering, value, span)
    return TupleValue((size, _angle(lowering, value, span)))


def _test(
    op: CompareOp, bound: float, joined: LogicOp
) -> Callable[[NumbaLowering, ast.Call, list[Value]], Value | None]:
    """Whether `|part| op bound` holds for the parts."""

    def of(lowering: NumbaLowering, node: ast.Call, values: list[Value]) -> Value | None:
        span = lowering.span(node)
        value = _as_complex(lowering, values[0], span) if len(values) == 1 else None
        if value is None:
            return None
        tests = [
            Compare(
                op,
                Unary(UnaryOp.ABS, part, part.type, span),
                Const(bound, part.type, span),
                span,
            )
            for part in complexes.parts(lowering, value, span)
        ]
        return lowering.flat(Number(Logic(joined, tests[0], tests[1], span), BOOL, depth=3))

    return of


def _is_nan(lowering: NumbaLowering, node: ast.Call, values: list[Value]) -> Value | None:
    span = lowering.span(node)
    value = _as_complex(lowering, values[0], span) if len(values) == 1 else None
    if value is None:
        return None
    tests = [
        Compare(CompareOp.NE, part, indexing.placed(part, span), span)
        for part in complexes.parts(lowering, value, span)
    ]
    return lowering.flat(Number(Logic(LogicOp.OR, tests[0], tests[1], span), BOOL, depth=3))


def _function(name: str) -> Callable[[NumbaLowering, ast.Call, list[Value]], Value | None]:
    """`cmath.exp(z)`, `np.exp(z)`."""

    def of(lowering: NumbaLowering, node: ast.Call, values: list[Value]) -> Value | None:
        value = _as_complex(lowering, values[0], lowering.span(node))
        if len(values) != 1 or value is None:
            return None
        return supplied.function(lowering, node, name, value)

    return of


def _log(lowering: NumbaLowering, node: ast.Call, values: list[Value]) -> Value | None:
    """`cmath.log(z)`, `cmath.log(z, base)`."""
    logs = [_function("log")(lowering, node, [value]) for value in values]
    if len(logs) != _PAIR:
        return logs[0] if len(logs) == 1 else None
    number, base = logs
    if number is None or base is None:
        return None
    return complexes.arithmetic(lowering, BinaryOp.DIV, number, base, lowering.span(node))


def _power(lowering: NumbaLowering, node: ast.Call, values: list[Value]) -> Value | None:
    """`pow(z, w)`."""
    if len(values) != _PAIR:
        return None
    left, right = values
    made = complexes.arithmetic(lowering, BinaryOp.POW, left, right, lowering.span(node))
    return made or supplied.power(lowering, node, left, right)


_PAIR = 2
_INFINITE = float("inf")
RULES: dict[str, Callable[[NumbaLowering, ast.Call, list[Value]], Value | None]] = {
    "complex": _complex,
    "complex64": _with_parts(F32),
    "complex128": _with_parts(F64),
    "abs": _magnitude,
    "numpy.conjugate": _conjugate,
    "numpy.real": _part(0),
    "numpy.imag": _part(1),
    "cmath.phase": _phase,
    "cmath.polar": _polar,
    "cmath.rect": _rect,
    "cmath.isnan": _is_nan,
    "cmath.isinf": _test(CompareOp.EQ, _INFINITE, LogicOp.OR),
    "cmath.isfinite": _test(CompareOp.LT, _INFINITE, LogicOp.AND),
    "math.isnan": _is_nan,
    "math.isinf": _test(CompareOp.EQ, _INFINITE, LogicOp.OR),
    "math.isfinite": _test(CompareOp.LT, _INFINITE, LogicOp.AND),
    **{f"cmath.{name}": _function(name) for name in CMATH_FUNCTIONS},
    **{f"math.{name}": _function(name) for name in CMATH_FUNCTIONS},
    "cmath.log": _log,
    "pow": _power,
}
# What is about complex numbers whatever its arguments are.
_ALWAYS = ("complex", "cmath.", "numpy.")
