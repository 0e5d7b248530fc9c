"""Scalar arithmetic against numpy's, and the cases that the language defines for itself."""

import math
from itertools import product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from oxide_analyzer.interpreter import arithmetic
from oxide_analyzer.ir.nodes import BinaryOp, CompareOp, MathFunction, UnaryOp
from oxide_analyzer.language.types import BOOL, F32, F64, I32, I64, SCALARS, U32, U64, Scalar

INTEGERS = [I32, I64, U32, U64]
FLOATS = [F32, F64]
NUMPY = {
    I32: np.int32,
    I64: np.int64,
    U32: np.uint32,
    U64: np.uint64,
    F32: np.float32,
    F64: np.float64,
}

seeded = settings(derandomize=True, deadline=None, max_examples=80)


def values(type: Scalar) -> st.SearchStrategy:
    if type.is_float:
        edges = [0.0, -0.0, 1.0, -1.0, 0.5, math.inf, -math.inf, math.nan, 1e-45, 3e38, -3e38]
        return st.one_of(
            st.sampled_from([arithmetic.literal(v, type) for v in edges]),
            st.floats(width=type.bits),
        )
    edges = [0, 1, 2, type.bits - 1, type.bits, type.max, type.max - 1, type.min]
    return st.one_of(st.sampled_from(edges), st.integers(type.min, type.max), st.integers(0, 70))


def same(left, right) -> bool:
    """Equal, NaNs alike, zeros by sign."""
    if isinstance(left, float) and math.isnan(left):
        return math.isnan(right)
    return left == right and math.copysign(1, left) == math.copysign(1, right)


@pytest.mark.parametrize("type", INTEGERS, ids=str)
def test_integer_operators_are_numpys(type):
    to = NUMPY[type]
    oracle = {
        BinaryOp.ADD: np.add,
        BinaryOp.SUB: np.subtract,
        BinaryOp.MUL: np.multiply,
        BinaryOp.FLOORDIV: np.floor_divide,
        BinaryOp.MOD: np.mod,
        BinaryOp.AND: np.bitwise_and,
        BinaryOp.OR: np.bitwise_or,
        BinaryOp.XOR: np.bitwise_xor,
        BinaryOp.MIN: np.minimum,
        BinaryOp.MAX: np.maximum,
    }

    @seeded
    @given(values(type), values(type))
    def check(a, b):
        with np.errstate(all="ignore"):
            for op, numpys in oracle.items():
                assert arithmetic.binary(op, type, a, b) == int(numpys(to(a), to(b))), op
            assert arithmetic.unary(UnaryOp.NEG, type, a) == int(np.negative(to(a)))
            assert arithmetic.unary(UnaryOp.INVERT, type, a) == int(np.invert(to(a)))
            assert arithmetic.unary(UnaryOp.ABS, type, a) == int(np.absolute(to(a)))

    check()


@pytest.mark.parametrize("type", INTEGERS, ids=str)
def test_shifts_by_the_width_or_more_and_by_negative_amounts(type):
    low = type.min
    shift_left = arithmetic.binary_function(BinaryOp.SHL, type)
    shift_right = arithmetic.binary_function(BinaryOp.SHR, type)
    assert shift_left(1, type.bits - 1) == type.wrap(1 << (type.bits - 1))
    assert shift_left(3, type.bits - 1) == type.wrap(1 << (type.bits - 1))
    assert shift_left(1, type.bits) == 0
    assert shift_right(type.max, type.bits - 2) == type.max >> (type.bits - 2)
    assert shift_right(type.max, type.bits) == 0
    if type.is_signed:
        assert shift_right(low, type.bits - 1) == -1
        assert shift_right(-1, type.bits) == -1
        assert shift_right(-8, -1) == -1
        assert shift_left(-8, -1) == 0


@pytest.mark.parametrize("type", FLOATS, ids=str)
def test_float_operators_are_numpys(type):
    to = NUMPY[type]
    oracle = {
        BinaryOp.ADD: np.add,
        BinaryOp.SUB: np.subtract,
        BinaryOp.MUL: np.multiply,
        BinaryOp.DIV: np.divide,
        BinaryOp.FLOORDIV: lambda a, b: np.floor(np.divide(a, b)),
        BinaryOp.MOD: np.mod,
    }

    @seeded
    @given(values(type), values(type))
    def check(a, b):
        with np.errstate(all="ignore"):
            for op, numpys in oracle.items():
                expected = float(numpys(to(a), to(b)))
                assert same(arithmetic.binary(op, type, a, b), expected), (op, a, b, expected)
            assert same(arithmetic.math(MathFunction.SQRT, type, a), float(np.sqrt(to(a))))
            exponential = arithmetic.math(MathFunction.EXP, type, a)
            close = np.float64(exponential) if math.isfinite(exponential) else exponential
            assert np.isclose(close, float(np.exp(to(a))), rtol=1e-6, equal_nan=True)

    check()


@pytest.mark.parametrize("type", FLOATS, ids=str)
def test_minimum_and_maximum_prefer_a_number_and_tell_zeros_apart(type):
    low = arithmetic.binary_function(BinaryOp.MIN, type)
    high = arithmetic.binary_function(BinaryOp.MAX, type)
    for a, b in [(math.nan, 1.0), (1.0, math.nan)]:
        assert low(a, b) == high(a, b) == 1.0
    assert math.isnan(low(math.nan, math.nan))
    for a, b in [(0.0, -0.0), (-0.0, 0.0)]:
        assert same(low(a, b), -0.0)
        assert same(high(a, b), 0.0)
    assert low(-math.inf, 2.0) == -math.inf
    assert high(1.0, 2.0) == 2.0


@pytest.mark.parametrize("source", INTEGERS, ids=str)
@pytest.mark.parametrize("target", [*INTEGERS, *FLOATS], ids=str)
def test_conversions_of_integers_round_once_and_keep_low_bits(source, target):
    @seeded
    @given(values(source))
    def check(a):
        with np.errstate(all="ignore"):
            expected = NUMPY[source](a).astype(NUMPY[target]).item()
        assert arithmetic.convert(a, source, target) == expected

    check()


def test_a_64_bit_integer_is_not_rounded_twice_on_its_way_to_f32():
    by_way_of_double = float(np.float32(float(2**62 + 2**38 + 1)))
    once = arithmetic.convert(2**62 + 2**38 + 1, I64, F32)
    assert once == 2.0**62 + 2.0**39
    assert by_way_of_double == 2.0**62


@pytest.mark.parametrize("source", FLOATS, ids=str)
@pytest.mark.parametrize("target", INTEGERS, ids=str)
def test_conversions_of_floats_truncate_and_saturate(source, target):
    @seeded
    @given(values(source))
    def check(a):
        got = arithmetic.convert(a, source, target)
        if math.isnan(a):
            assert got == 0
        elif math.isinf(a):
            assert got == (target.max if a > 0 else target.min)
        else:
            assert got == max(target.min, min(target.max, int(a)))

    check()


def test_conversions_with_bool():
    assert arithmetic.convert(-3, I32, BOOL) is True
    assert arithmetic.convert(-0.0, F32, BOOL) is False
    assert arithmetic.convert(math.nan, F64, BOOL) is True
    for target in SCALARS.values():
        assert arithmetic.convert(True, BOOL, target) == 1
        assert arithmetic.convert(False, BOOL, target) == 0


def test_narrowing_a_float_overflows_to_infinity():
    assert arithmetic.convert(1e39, F64, F32) == math.inf
    assert arithmetic.convert(-1e39, F64, F32) == -math.inf
    assert arithmetic.binary(BinaryOp.MUL, F32, 2.0**100, 2.0**100) == math.inf
    assert arithmetic.math(MathFunction.EXP, F32, 89.0) == math.inf
    assert arithmetic.math(MathFunction.EXP, F64, 1e6) == math.inf


def test_comparisons_with_nan_are_false_save_one():
    for op in CompareOp:
        assert arithmetic.compare(op, F32, math.nan, 1.0) is (op is CompareOp.NE)
    assert arithmetic.compare(CompareOp.EQ, F32, 0.0, -0.0)


@pytest.mark.parametrize("type", [*INTEGERS, *FLOATS], ids=str)
def test_no_operand_raises(type):
    edges = (
        [0, 1, type.max, type.min] if type.is_integer else [0.0, -0.0, math.inf, math.nan, 1e300]
    )
    edges = [arithmetic.literal(edge, type) for edge in edges]
    if type.is_integer and type.is_signed:
        edges.append(-1)
    excluded = {True: {BinaryOp.DIV}, False: {"&", "|", "^", "<<", ">>", "**"}}[type.is_integer]
    for op, a, b in product(BinaryOp, edges, edges):
        if op not in excluded:
            result = arithmetic.binary(op, type, a, b)
            assert type.is_float or type.min <= result <= type.max


def test_literals():
    assert arithmetic.literal(0.1, F32) == float(np.float32(0.1))
    assert isinstance(arithmetic.literal(1, F32), float)
    assert arithmetic.literal(2**200, F32) == math.inf
    with pytest.raises(ValueError, match="no value of i32"):
        arithmetic.literal(2**31, I32)
    with pytest.raises(ValueError, match="no value of u32"):
        arithmetic.literal(1.5, U32)
