"""`math.*`: the exact functions bit for bit, the others within the documented error.

What they give is compared with Python's `math`, itself within an ulp of the truth, hence one more
than is documented; `benchmarks/math_ulp.py` measures against results of many digits.
"""

from __future__ import annotations

import math
import random

import llvmlite.binding
import pytest

from codegen.building import (
    HERE,
    checked,
    kernel,
    load,
    proved,
    read,
    slice_of,
    store,
    thread_index,
)
from codegen.differential import execute
from codegen.test_arithmetic import check, interesting, run_elementwise
from oxide_analyzer.interpreter import arithmetic
from oxide_analyzer.ir.nodes import Local, Math, MathFunction, Ownership
from oxide_analyzer.language.types import F32, F64
from oxide_analyzer.launch import Contents, Launch
from oxide_codegen import llvm
from oxide_codegen.lowering.mathematics import ULP
from oxide_codegen.native import compile_native

FUNCTIONS = [f for f in MathFunction if not f.is_exact]
EXACT = [f for f in MathFunction if f.is_exact]
# Where a function is neither constant nor undefined.
RANGES = {
    MathFunction.EXP: (-700, 700),
    MathFunction.EXP2: (-1000, 1000),
    MathFunction.ASIN: (-1, 1),
    MathFunction.ACOS: (-1, 1),
    MathFunction.ATANH: (-1, 1),
    MathFunction.ACOSH: (1, 100),
    MathFunction.SIN: (-1000, 1000),
    MathFunction.COS: (-1000, 1000),
    MathFunction.TAN: (-1000, 1000),
    MathFunction.ERFC: (-3, 9),
    MathFunction.COSH: (-80, 80),
    MathFunction.SINH: (-80, 80),
}


# What Python's own may be off by, beyond an ulp.
PYTHONS = {MathFunction.GAMMA: 10, MathFunction.LGAMMA: 3}


def evaluate(functions, arity, scalar, columns):
    results = [[] for _ in functions]
    for start in range(0, len(columns[0]), 1024):
        part = [column[start : start + 1024] for column in columns]
        expressions = [lambda *xs, f=f: Math(f, xs, scalar, HERE) for f in functions]
        found = run_elementwise([scalar] * arity, scalar, expressions, part)
        for result, more in zip(results, found, strict=True):
            result.extend(more)
    return results


def spacing(value, scalar):
    """The distance of floats at `value`."""
    digits, least = (24, -149) if scalar == F32 else (53, -1074)
    return math.ldexp(1.0, max(math.frexp(value)[1] - digits, least))


def numbers(function, scalar, count, seed):
    generator = random.Random(seed)
    low, high = RANGES.get(function, (-10, 10))
    values = [generator.uniform(low, high) for _ in range(count)]
    values += [
        generator.choice((-1, 1)) * generator.uniform(0.5, 1) * 2.0 ** generator.randrange(-60, 40)
        for _ in range(count)
    ]
    return [arithmetic.literal(v, scalar) for v in values]


@pytest.mark.parametrize("scalar", [F32, F64], ids=str)
@pytest.mark.parametrize("function", FUNCTIONS, ids=str)
def test_it_is_within_its_error(function, scalar):
    columns = [numbers(function, scalar, 500, seed) for seed in range(function.arity)]
    ends = [*interesting(scalar), 2.0, 0.25, -0.25, 1.5, 4.0]
    pairs = [(a, b) for a in ends for b in ends] if function.arity == 2 else [(a,) for a in ends]
    columns = [[*column, *(pair[k] for pair in pairs)] for k, column in enumerate(columns)]
    (found,) = evaluate([function], function.arity, scalar, columns)
    allowed = ULP[function] + 1 + PYTHONS.get(function, 0)
    wrong = []
    for *operands, got in zip(*columns, found, strict=True):
        exact = arithmetic.math(function, scalar, *operands)
        if not math.isfinite(exact) or not math.isfinite(got) or exact == 0:
            largest = 3.4e38 if scalar == F32 else 1.79e308
            near = abs(got) >= largest and abs(exact) >= largest and (got > 0) == (exact > 0)
            same = got == exact and math.copysign(1, got) == math.copysign(1, exact)
            if not (same or near or (got != got and exact != exact)):
                wrong.append((operands, got, exact))
            continue
        # At zeros of log Γ its error below 0, and Python's everywhere, is one of its parts.
        near_zero = function is MathFunction.LGAMMA and operands[0] < 3
        unit = spacing(max(abs(exact), 4.0) if near_zero else exact, scalar)
        if abs(got - exact) > allowed * unit:
            wrong.append((operands, got, exact))
    assert wrong[:5] == []


@pytest.mark.parametrize("scalar", [F32, F64], ids=str)
@pytest.mark.parametrize("function", EXACT, ids=str)
def test_it_is_exact(function, scalar):
    some = numbers(None, scalar, 200, 7)
    generator = random.Random(8)
    ends = interesting(scalar)
    ends += [arithmetic.literal(v, scalar) for v in (0.5, 1.5, 2.5, -0.5, 1e-3, 1 + 2**-23, 3e7)]
    columns = [
        [*some, *(generator.choice(ends) for _ in range(1600))] for _ in range(function.arity)
    ]
    for column in columns:
        generator.shuffle(column)
    columns[0] += ends
    for column in columns[1:]:
        column.extend(reversed(ends))
    (found,) = evaluate([function], function.arity, scalar, columns)
    expected = [arithmetic.math(function, scalar, *xs) for xs in zip(*columns, strict=True)]
    check(found, expected, scalar, function)


# Processors whose vectors LLVM splits differently, and what of this one their code needs.
PROCESSORS = {
    "x86-64": ("sse2",),
    "haswell": ("avx2", "fma", "bmi2"),
    "skylake-avx512": ("avx512f", "avx512vl", "avx512bw", "avx512dq", "avx512cd"),
}


@pytest.mark.parametrize("processor", PROCESSORS)
def test_angles_are_reduced_alike_on_every_processor(processor, monkeypatch):
    features = llvmlite.binding.get_host_cpu_features()
    if not all(features.get(name) for name in PROCESSORS[processor]):
        pytest.skip("this processor is another one")
    llvm.host_machine()
    target = llvmlite.binding.Target.from_default_triple()
    machine = target.create_target_machine(
        cpu=processor, features="", opt=3, reloc="pic", codemodel="small"
    )
    monkeypatch.setattr(llvm, "host_machine", lambda: machine)
    monkeypatch.setattr(llvm, "converts_halves", lambda: False)
    generator = random.Random(11)
    values = [
        math.ldexp(generator.uniform(-1, 1), generator.randrange(15, 1024)) for _ in range(96)
    ]
    for function in (MathFunction.SIN, MathFunction.COS, MathFunction.TAN):
        found = unchecked(function, values)
        expected = [arithmetic.math(function, F64, value) for value in values]
        near = [
            abs(a - b) <= (ULP[function] + 1) * spacing(b, F64)
            for a, b in zip(found, expected, strict=True)
        ]
        assert all(near), [v for v, ok in zip(values, near, strict=True) if not ok][:3]


def unchecked(function, values):
    """`function` of each value, in a loop that may become one over vectors."""
    x, i = Local("x", F64), thread_index()
    body = [load(x, "a", i), store("out", i, Math(function, (read(x),), F64, HERE))]
    parameters = [slice_of("a", F64), slice_of("out", F64, Ownership.DISJOINT)]
    compute = kernel("compute", parameters, body)
    arrays = {
        "a": Contents((len(values),), tuple(values)),
        "out": Contents((len(values),), (0.0,) * len(values)),
    }
    native = compile_native(proved(checked(compute, initialised=("x",))), contract=False)
    after, _ = execute(native, compute, Launch((1, 1, 1), (len(values), 1, 1), {}, arrays))
    return after["out"].values
