"""f16 and bf16: each operation is rounded to the type, once, as the interpreter does it."""

from __future__ import annotations

import random
import re
import struct

import pytest

from codegen.building import (
    HERE,
    assign,
    checked,
    kernel,
    load,
    read,
    slice_of,
    store,
    thread_index,
)
from codegen.building import binary as node
from codegen.differential import unpacked
from codegen.reading import trusted
from codegen.test_arithmetic import check, interesting, run_elementwise
from oxide_analyzer.interpreter import arithmetic
from oxide_analyzer.ir.nodes import BinaryOp, Convert, Local, Math, MathFunction, Ownership
from oxide_analyzer.language.types import BF16, F16, F32, F64, I64, U64, join
from oxide_codegen import llvm
from oxide_codegen.errors import OxideError
from oxide_codegen.ptx import compile_ptx

HALVES = [F16, BF16]
OPERATORS = [
    BinaryOp.ADD,
    BinaryOp.SUB,
    BinaryOp.MUL,
    BinaryOp.DIV,
    BinaryOp.FLOORDIV,
    BinaryOp.MOD,
    BinaryOp.MIN,
    BinaryOp.MAX,
]


def column(scalar, seed, count=4096):
    """Numbers of every exponent, many of them beside each other."""
    generator = random.Random(seed)
    values = list(interesting(scalar))
    while len(values) < count:
        bits = generator.getrandbits(16)
        if generator.random() < 0.6:
            # Exponents near 0, so that sums are not the larger operand.
            low = {"f16": 0x3000, "bf16": 0x3E00}[scalar.name]
            bits = bits & 0x8FFF | low
        values += unpacked(struct.pack("<H", bits), 1, scalar)
    return values[:count]


@pytest.mark.parametrize("scalar", HALVES, ids=str)
def test_operators_of_random_bits(scalar):
    left, right = column(scalar, 1), column(scalar, 2)
    random.Random(3).shuffle(right)
    for start in range(0, len(left), 1024):
        a, b = left[start : start + 1024], right[start : start + 1024]
        results = run_elementwise(
            [scalar, scalar],
            scalar,
            [lambda x, y, op=op: node(op, x, y) for op in OPERATORS],
            [a, b],
        )
        for op, got in zip(OPERATORS, results, strict=True):
            expected = [arithmetic.binary(op, scalar, x, y) for x, y in zip(a, b, strict=True)]
            check(got, expected, scalar, op)


@pytest.mark.parametrize("scalar", HALVES, ids=str)
def test_fma_is_rounded_once(scalar):
    columns = [column(scalar, seed, 1024) for seed in (4, 5, 6)]
    expression = lambda *xs: Math(MathFunction.FMA, xs, scalar, HERE)  # noqa: E731
    (got,) = run_elementwise([scalar] * 3, scalar, [expression], columns)
    expected = [arithmetic.math(MathFunction.FMA, scalar, *xs) for xs in zip(*columns, strict=True)]
    check(got, expected, scalar, "fma")


@pytest.mark.parametrize("scalar", HALVES, ids=str)
@pytest.mark.parametrize("source", [F32, F64, I64, U64], ids=str)
def test_conversions_are_rounded_once(source, scalar):
    generator = random.Random(9)
    values = []
    for _ in range(1000):
        # A number halfway between two, and the least more or less than that.
        half = generator.getrandbits(8) << 1 | 1
        if source.is_integer:
            shift = generator.randrange(0, 54)
            values.append((half << shift) + generator.choice((-1, 0, 1)))
        else:
            exact = half * 2.0 ** generator.randrange(-30, 7) * generator.choice((-1, 1))
            values.append(
                arithmetic.literal(exact * (1 + generator.choice((-1, 0, 1)) * 2.0**-50), source)
            )
    expression = lambda x: Convert(x, scalar, HERE)  # noqa: E731
    (got,) = run_elementwise([source], scalar, [expression], [values])
    expected = [arithmetic.convert(value, source, scalar) for value in values]
    check(got, expected, scalar, f"{source} to {scalar}")


def test_a_processor_needs_no_instruction_for_them(monkeypatch):
    monkeypatch.setattr(llvm, "converts_halves", lambda: False)
    bits = [struct.pack("<H", k) for k in range(1 << 16)]
    values = [unpacked(one, 1, F16)[0] for one in bits]
    # Between two neighbours, just beside that, and beyond both ends.
    ends = [65519.0, 65520.0, -65520.0, 2.0**-25, 2.0**-24 * 0.75, 1e30, -0.0, float("nan")]
    beside = [arithmetic.literal(v * (1 + k * 2.0**-12), F32) for v in values[::7] for k in (1, 3)]
    narrow = [arithmetic.literal(v, F32) for v in ends] + beside
    same = lambda x: Convert(Convert(x, F32, HERE), F16, HERE)  # noqa: E731
    for start in range(0, len(values), 1024):
        some = values[start : start + 1024]
        (got,) = run_elementwise([F16], F32, [lambda x: Convert(x, F32, HERE)], [some])
        check(got, some, F32, "f16 to f32")
    for start in range(0, len(narrow), 1024):
        some = narrow[start : start + 1024]
        (got,) = run_elementwise([F32], F16, [lambda x: Convert(x, F16, HERE)], [some])
        check(got, [arithmetic.convert(v, F32, F16) for v in some], F16, "f32 to f16")
    (got,) = run_elementwise([F16], F16, [same], [values[:1024]])
    check(got, values[:1024], F16, "there and back")


def test_what_a_process_lacks_is_an_error():
    """LLVM calls a function where it has no instruction: the linker would end the process."""
    text = """
declare i16 @__truncoxidehf2(double)
define i16 @run(double %x) {
  %bits = call i16 @__truncoxidehf2(double %x)
  ret i16 %bits
}"""
    with pytest.raises(OxideError, match="this processor has no __truncoxidehf2"):
        llvm.linked(llvm.object_code(text, vectorises=False), ("run",))


@pytest.mark.parametrize("scalar", HALVES, ids=str)
def test_functions_are_near_theirs(scalar):
    values = [arithmetic.literal(k / 37, scalar) for k in range(1, 300)]
    functions = [MathFunction.EXP, MathFunction.LOG, MathFunction.SIN, MathFunction.SQRT]
    expressions = [lambda x, f=f: Math(f, (x,), scalar, HERE) for f in functions]
    digits = 2.0 ** (-10 if scalar == F16 else -7)
    for function, found in zip(
        functions, run_elementwise([scalar], scalar, expressions, [values]), strict=True
    ):
        for value, got in zip(values, found, strict=True):
            expected = arithmetic.math(function, scalar, value)
            assert abs(got - expected) <= digits * abs(expected), (function, value)


def test_they_meet_nowhere():
    assert join(F16, BF16) is None
    assert join(F16, F32) == F32
    assert join(BF16, I64) == BF16


PAIRS = """
@kernel
def k(a: Slice[{type}], b: Slice[{type}], c: DisjointSlice[{type}]):
    i = thread.index_1d()
    if 2 * i + 2 <= len(a) and 2 * i + 2 <= len(b) and 2 * i + 2 <= len(c):
        x, y = a.load(2 * i, 2)
        u, v = b.load(2 * i, 2)
        c.store(2 * i, (fma(x, u, u), fma(y, v, v)))
"""


@pytest.mark.parametrize("sm", ["sm_75", "sm_90"])
def test_neighbours_are_computed_together(sm):
    text = compile_ptx(trusted(PAIRS.format(type="f16")), sm).text
    assert "fma.rn.f16x2" in text
    assert not re.search(r"cvt\S*f(16|32|64)", text)


def test_a_device_with_arithmetic_of_bf16_uses_it():
    text = compile_ptx(trusted(PAIRS.format(type="bf16")), "sm_90").text
    assert "fma.rn.bf16" in text
    assert not re.search(r"cvt\S*f(16|32|64)", text)
    assert "fma.rn.bf16" not in compile_ptx(trusted(PAIRS.format(type="bf16")), "sm_75").text


@pytest.mark.parametrize("sm", ["sm_75", "sm_90"])
@pytest.mark.parametrize("scalar", HALVES, ids=str)
def test_it_compiles_for_devices(scalar, sm):
    x, y = Local("x", scalar), Local("y", F32)
    i = Local("i", I64)
    body = [
        assign(i, thread_index()),
        load(x, "a", read(i)),
        *(assign(x, node(op, read(x), read(x))) for op in OPERATORS),
        *(assign(x, Math(f, (read(x),) * f.arity, scalar, HERE)) for f in MathFunction),
        assign(y, Convert(read(x), F32, HERE)),
        assign(x, Convert(read(y), scalar, HERE)),
        store("a", read(i), read(x)),
    ]
    compute = kernel("compute", [slice_of("a", scalar, Ownership.DISJOINT)], body)
    text = compile_ptx(checked(compute, initialised=("i", "x", "y")), sm).text
    assert "cvt.rn.f16.f32" in text or scalar == BF16
    assert "ld.global.b16" in text or "ld.global.u16" in text
