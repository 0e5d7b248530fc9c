"""Every operator and conversion on the host gives what the interpreter's arithmetic gives."""

from __future__ import annotations

import math

import pytest

from codegen.building import (
    HERE,
    assign,
    binary,
    checked,
    compare,
    const,
    kernel,
    load,
    read,
    slice_of,
    store,
    thread_index,
)
from codegen.differential import execute, same, unpacked
from oxide_analyzer.interpreter import arithmetic
from oxide_analyzer.ir.nodes import (
    Binary,
    BinaryOp,
    CompareOp,
    Convert,
    Local,
    Ownership,
    Unary,
    UnaryOp,
)
from oxide_analyzer.language.types import BOOL, F64, I32, I64, SCALARS
from oxide_analyzer.launch import Contents, Launch
from oxide_codegen.native import compile_native

INTEGERS = [s for s in SCALARS.values() if s.is_integer]
FLOATS = [s for s in SCALARS.values() if s.is_float]
NUMBERS = INTEGERS + FLOATS
BITWISE = {
    BinaryOp.AND,
    BinaryOp.OR,
    BinaryOp.XOR,
    BinaryOp.SHL,
    BinaryOp.SHR,
    BinaryOp.POW,
}


ENDS = {
    "f16": (65504.0, 2.0**-24),
    "bf16": (3.3895313892515355e38, 2.0**-133),
    "f32": (3.4028234663852886e38, 2.0**-149),
    "f64": (1.7976931348623157e308, 5e-324),
}


def interesting(scalar):
    if scalar == BOOL:
        return [False, True]
    if scalar.is_float:
        largest, tiny = ENDS[scalar.name]
        values = [0.0, -0.0, 1.0, -1.0, 0.5, -2.5, 7.0, 3.0, -3.0, 1e10, 2147483648.0, 1e20]
        values += [largest, -largest, tiny, -tiny, math.inf, -math.inf, math.nan]
        return [arithmetic.literal(v, scalar) for v in values]
    ends = [scalar.min, scalar.min + 1, scalar.max, scalar.max - 1]
    small = [0, 1, 2, 3, 5, 7, 8, 31, 32, 33, 63, 64, 65, 1000]
    if scalar.is_signed:
        small += [-1, -2, -3, -7, -32, -64, -1000]
    return [*ends, *(value for value in small if scalar.min <= value <= scalar.max)]


def run_elementwise(types, result, expressions, columns):
    """`out[k * n + i] = expressions[k](a[i], b[i], ...)`; gives one list for each expression."""
    n = len(columns[0])
    i = Local("i", I64)
    operands = [Local(f"x{k}", scalar) for k, scalar in enumerate(types)]
    body = [assign(i, thread_index())]
    body += [load(x, f"a{k}", read(i)) for k, x in enumerate(operands)]
    for k, expression in enumerate(expressions):
        value = expression(*map(read, operands))
        body.append(store("out", binary(BinaryOp.ADD, read(i), const(k * n)), value))
    inputs = [slice_of(f"a{k}", scalar) for k, scalar in enumerate(types)]
    compute = kernel("compute", [*inputs, slice_of("out", result, Ownership.DISJOINT)], body)
    arrays = {f"a{k}": Contents((n,), tuple(column)) for k, column in enumerate(columns)}
    size = n * len(expressions)
    arrays["out"] = Contents((size,), (arithmetic.zero(result),) * size)
    launch = Launch((1, 1, 1), (n, 1, 1), {}, arrays)
    names = ("i", *(x.name for x in operands))
    native = compile_native(checked(compute, initialised=names), contract=False)
    after, failure = execute(native, compute, launch)
    assert failure is None
    values = after["out"].values
    return [values[k * n : (k + 1) * n] for k in range(len(expressions))]


def pairs(scalar):
    values = interesting(scalar)
    return [a for a in values for _ in values], [b for _ in values for b in values]


def check(got, expected, scalar, what):
    wrong = [
        f"{what}: expected {e!r}, got {g!r}"
        for e, g in zip(expected, got, strict=True)
        if not same(e, g, scalar)
    ]
    assert wrong == []


def operators(scalar):
    if scalar.is_float:
        return [op for op in BinaryOp if op not in BITWISE]
    return [op for op in BinaryOp if op is not BinaryOp.DIV]


@pytest.mark.parametrize("scalar", NUMBERS, ids=str)
def test_binary(scalar):
    left, right = pairs(scalar)
    ops = operators(scalar)
    # A block has 1024 threads at most.
    for start in range(0, len(left), 1024):
        a, b = left[start : start + 1024], right[start : start + 1024]
        results = run_elementwise(
            [scalar, scalar],
            scalar,
            [lambda x, y, op=op: binary(op, x, y) for op in ops],
            [a, b],
        )
        for op, got in zip(ops, results, strict=True):
            expected = [arithmetic.binary(op, scalar, x, y) for x, y in zip(a, b, strict=True)]
            check(got, expected, scalar, f"{op} of {scalar}")


@pytest.mark.parametrize("scalar", NUMBERS, ids=str)
def test_binary_with_a_literal(scalar):
    """Literals take other paths: shifts for powers of two, no guards."""
    left = interesting(scalar)
    if scalar.is_float:
        rights = [2.0, -3.0, 0.0]
    else:
        rights = [0, 1, 2, 7, 32, scalar.max, scalar.min]
        rights += [-1, -2] if scalar.is_signed else [64]
    ops = [op for op in operators(scalar) if op not in (BinaryOp.MIN, BinaryOp.MAX)]
    cases = [(op, right) for op in ops for right in rights]
    results = run_elementwise(
        [scalar],
        scalar,
        [
            lambda x, op=op, right=right: Binary(op, x, const(right, scalar), scalar, HERE)
            for op, right in cases
        ],
        [left],
    )
    for (op, right), got in zip(cases, results, strict=True):
        expected = [arithmetic.binary(op, scalar, x, right) for x in left]
        check(got, expected, scalar, f"{op} {right} of {scalar}")


@pytest.mark.parametrize("scalar", NUMBERS, ids=str)
def test_unary(scalar):
    values = interesting(scalar)
    floats = (UnaryOp.NEG, UnaryOp.ABS)
    ops = [op for op in UnaryOp if op in floats or scalar.is_integer]
    results = run_elementwise(
        [scalar],
        scalar,
        [lambda x, op=op: Unary(op, x, scalar, HERE) for op in ops],
        [values],
    )
    for op, got in zip(ops, results, strict=True):
        check(got, [arithmetic.unary(op, scalar, v) for v in values], scalar, f"{op} of {scalar}")


@pytest.mark.parametrize("scalar", SCALARS.values(), ids=str)
def test_compare(scalar):
    left, right = pairs(scalar)
    ops = list(CompareOp)
    results = run_elementwise(
        [scalar, scalar],
        BOOL,
        [lambda x, y, op=op: compare(op, x, y) for op in ops],
        [left[:1024], right[:1024]],
    )
    for op, got in zip(ops, results, strict=True):
        expected = [
            arithmetic.compare(op, scalar, a, b)
            for a, b in zip(left[:1024], right[:1024], strict=True)
        ]
        check(got, expected, BOOL, f"{op} of {scalar}")


@pytest.mark.parametrize("source", SCALARS.values(), ids=str)
def test_literals_converted_twice(source):
    """`i64(u8(i32(300)))`: what the narrow type keeps of the literal is what the wide one gets."""
    values = interesting(source)
    cases = [(value, by) for value in values for by in SCALARS.values()]
    for result in (I64, F64):
        results = run_elementwise(
            [I32],
            result,
            [
                lambda x, value=value, by=by, result=result: Convert(
                    Convert(const(value, source), by, HERE), result, HERE
                )
                for value, by in cases
            ],
            [[0]],
        )
        for (value, by), got in zip(cases, results, strict=True):
            expected = arithmetic.convert(arithmetic.convert(value, source, by), by, result)
            check(got, [expected], result, f"{result}({by}({value})) of {source}")


@pytest.mark.parametrize("source", SCALARS.values(), ids=str)
@pytest.mark.parametrize("target", SCALARS.values(), ids=str)
def test_convert(source, target):
    values = interesting(source)
    if source.is_integer and source.bits == 64:
        values += [2**62 + 2**38 + 1, 2**53 + 1, 2**63 - 513]
    if source.is_float:
        values += [-0.7, 0.7, 255.9, 4294967295.0, 4294967296.0, 9.3e18, -9.3e18, 1.9e19, 65504.5]
        values = [arithmetic.literal(v, source) for v in values]
    (got,) = run_elementwise([source], target, [lambda x: Convert(x, target, HERE)], [values])
    expected = [arithmetic.convert(v, source, target) for v in values]
    check(got, expected, target, f"{source} to {target}")


@pytest.mark.parametrize("scalar", FLOATS, ids=str)
def test_modulo_of_random_bits(scalar):
    """Python's own `%` is the reference, over the whole range of exponents."""
    import random

    generator = random.Random(7)

    def anything():
        data = generator.getrandbits(scalar.bits).to_bytes(scalar.size, "little")
        return unpacked(data, 1, scalar)[0]

    left, right = ([anything() for _ in range(1000)] for _ in range(2))
    (got,) = run_elementwise(
        [scalar, scalar], scalar, [lambda x, y: binary(BinaryOp.MOD, x, y)], [left, right]
    )
    expected = [
        arithmetic.binary(BinaryOp.MOD, scalar, a, b) for a, b in zip(left, right, strict=True)
    ]
    check(got, expected, scalar, "%")


@pytest.mark.parametrize("scalar", FLOATS, ids=str)
def test_minimum_of_a_number_and_nan(scalar):
    """What LLVM knows to be a number must not make it forget that the other may be none."""
    integers = [I32.min, -1, 0, 1, 5] * 2
    floats = [math.nan] * 5 + [0.0, -0.0, -0.0, math.inf, -math.inf]
    ops = [BinaryOp.MIN, BinaryOp.MAX]
    expressions = [
        lambda x, y, op=op, swap=swap: binary(
            op, *((y, Convert(x, scalar, HERE)) if swap else (Convert(x, scalar, HERE), y))
        )
        for op in ops
        for swap in (False, True)
    ]
    results = run_elementwise([I32, scalar], scalar, expressions, [integers, floats])
    numbers = [arithmetic.convert(v, I32, scalar) for v in integers]
    for number, op in enumerate(ops):
        expected = [
            arithmetic.binary(op, scalar, x, y) for x, y in zip(numbers, floats, strict=True)
        ]
        for got in results[2 * number : 2 * number + 2]:
            check(got, expected, scalar, f"{op} of {scalar}")
