"""`math.*` within the documented error, `sqrt` exactly rounded."""

from __future__ import annotations

import math
import random

import pytest

from codegen.building import HERE
from codegen.test_arithmetic import check, run_elementwise
from oxide_analyzer.interpreter import arithmetic
from oxide_analyzer.ir.nodes import Math, MathFunction
from oxide_analyzer.language.types import F32, F64

ULP = {F32: 1.1, F64: 1.6}
RANGE = {F32: (-104.0, 89.0), F64: (-746.0, 710.0)}


def evaluate(function, scalar, values):
    results = []
    for start in range(0, len(values), 1024):
        part = values[start : start + 1024]
        expression = lambda x: Math(function, (x,), scalar, HERE)  # noqa: E731
        results += run_elementwise([scalar], scalar, [expression], [part])[0]
    return results


def spacing(value, scalar):
    """The distance of floats at `value`."""
    digits, least = (24, -149) if scalar == F32 else (53, -1074)
    return math.ldexp(1.0, max(math.frexp(value)[1] - digits, least))


@pytest.mark.parametrize("scalar", [F32, F64], ids=str)
def test_exp_is_within_its_ulp(scalar):
    numpy = pytest.importorskip("numpy")
    low, high = RANGE[scalar]
    generator = random.Random(5)
    values = [generator.uniform(low, high) for _ in range(3000)]
    values += [generator.uniform(-1, 1) * 2.0 ** generator.randrange(-40, 1) for _ in range(1000)]
    values = [arithmetic.literal(v, scalar) for v in values]
    worst = 0.0
    for value, got in zip(values, evaluate(MathFunction.EXP, scalar, values), strict=True):
        exact = numpy.exp(numpy.longdouble(value))
        if exact >= RANGE_END[scalar]:
            assert got == math.inf or got >= 0.99 * RANGE_END[scalar]
            continue
        error = abs(numpy.longdouble(got) - exact) / numpy.longdouble(spacing(got, scalar))
        worst = max(worst, float(error))
    assert worst <= ULP[scalar]


RANGE_END = {F32: 3.4028234663852886e38, F64: 1.7976931348623157e308}


@pytest.mark.parametrize("scalar", [F32, F64], ids=str)
def test_exp_at_its_ends(scalar):
    values = [0.0, -0.0, math.inf, -math.inf, math.nan, 1e30, -1e30]
    got = evaluate(MathFunction.EXP, scalar, values)
    check(got, [1.0, 1.0, math.inf, 0.0, math.nan, math.inf, 0.0], scalar, "exp")


@pytest.mark.parametrize("scalar", [F32, F64], ids=str)
def test_sqrt_is_correctly_rounded(scalar):
    generator = random.Random(6)
    values = [0.0, -0.0, math.inf, math.nan, -1.0, 2.0, 1e-45, 1e-310]
    values += [math.ldexp(generator.random(), generator.randrange(-120, 120)) for _ in range(900)]
    values = [arithmetic.literal(v, scalar) for v in values]
    got = evaluate(MathFunction.SQRT, scalar, values)
    expected = [arithmetic.math(MathFunction.SQRT, scalar, v) for v in values]
    check(got, expected, scalar, "sqrt")
