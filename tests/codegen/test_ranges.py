"""Intervals hold every value that an expression takes, and are as narrow as kernels need."""

from __future__ import annotations

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
    loop,
    loop_while,
    param,
    read,
    slice_of,
    special,
    store,
    thread_index,
    when,
)
from oxide_analyzer.facts.intervals import Interval, restricted
from oxide_analyzer.facts.intervals import binary as interval_binary
from oxide_analyzer.facts.intervals import compare as interval_compare
from oxide_analyzer.facts.intervals import unary as interval_unary
from oxide_analyzer.facts.ranges import ranges
from oxide_analyzer.interpreter import arithmetic
from oxide_analyzer.ir.nodes import (
    BinaryOp,
    CompareOp,
    Dim,
    Local,
    Logic,
    LogicOp,
    Not,
    Ownership,
    Register,
    UnaryOp,
)
from oxide_analyzer.language.types import F32, I32, I64, U32, Kind, Scalar

# So small that all operands of all intervals can be tried.
TINY = (Scalar("i3", Kind.SIGNED, 3), Scalar("u3", Kind.UNSIGNED, 3))


def intervals(scalar):
    values = range(scalar.min, scalar.max + 1)
    return [Interval(low, high) for low in values for high in values if low <= high]


def inside(interval):
    return range(interval.low, interval.high + 1)


@pytest.mark.parametrize("scalar", TINY, ids=str)
@pytest.mark.parametrize("op", [op for op in BinaryOp if op is not BinaryOp.DIV], ids=str)
def test_binary_holds_every_result(op, scalar):
    function = arithmetic.binary_function(op, scalar)
    for a in intervals(scalar):
        for b in intervals(scalar):
            result = interval_binary(op, a, b, scalar)
            assert result.within(scalar.min, scalar.max)
            values = {function(x, y) for x in inside(a) for y in inside(b)}
            assert result.low <= min(values) and max(values) <= result.high


@pytest.mark.parametrize("scalar", TINY, ids=str)
def test_unary_and_comparisons_hold_every_result(scalar):
    for a in intervals(scalar):
        for op in UnaryOp:
            result = interval_unary(op, a, scalar)
            values = {arithmetic.unary(op, scalar, x) for x in inside(a)}
            assert result.low <= min(values) and max(values) <= result.high
        for b in intervals(scalar):
            for op in CompareOp:
                results = {
                    arithmetic.compare(op, scalar, x, y) for x in inside(a) for y in inside(b)
                }
                expected = interval_compare(op, a, b)
                assert (expected.low, expected.high) == (min(results), max(results))
                kept = restricted(a, op, b)
                passing = [
                    x
                    for x in inside(a)
                    if any(arithmetic.compare(op, scalar, x, y) for y in inside(b))
                ]
                assert all(kept is not None and not kept.excludes(x) for x in passing)


HIGH = 2**31 - 1


def analysed(parameters, body, *, compact=True, block=None, conditions=()):
    return ranges(
        kernel("k", parameters, body, block=block), compact=compact, conditions=conditions
    )


def test_thread_index_and_its_neighbours():
    i = Local("i", I64)
    index, right = thread_index(), binary(BinaryOp.ADD, read(i), const(1))
    outside = binary(BinaryOp.ADD, read(i), const(1))
    body = [
        assign(i, index),
        when(compare(CompareOp.LT, read(i), Dim("a", 0, HERE)), store("a", right, const(1.0, F32))),
        store("a", outside, const(1.0, F32)),
    ]
    a = slice_of("a", F32, Ownership.DISJOINT)
    found = analysed([a], body)
    assert found.of(index) == Interval(0, HIGH - 1)
    assert found.of(right) == Interval(1, HIGH)
    wide = analysed([a], body, compact=False)
    assert not wide.of(index).within(0, HIGH)


def test_ways_that_meet_are_joined_and_those_that_do_not_are_not():
    x, y = Local("x", I32), Local("y", I32)
    n = param("n", I32)
    end, negative = read(x), Not(compare(CompareOp.GE, n, const(0, I32)), HERE)
    body = [
        assign(x, const(5, I32)),
        when(
            compare(CompareOp.GT, n, const(10, I32)),
            assign(x, n),
            otherwise=[when(negative, assign(x, const(7, I32)))],
        ),
        assign(y, end),
    ]
    found = analysed([("n", I32)], body, compact=False)
    assert found.of(end) == Interval(5, I32.max)
    assert found.local(x) == Interval(0, I32.max)


def test_guards_with_and_or_and_not():
    n = param("n", I64)
    low = compare(CompareOp.GE, n, const(3))
    high = compare(CompareOp.LT, n, const(9))
    inner, other = param("n", I64), param("n", I64)
    x = Local("x", I64)
    both = Logic(LogicOp.AND, low, high, HERE)
    body = [when(both, assign(x, inner), otherwise=[assign(x, other)])]
    found = analysed([("n", I64)], body, compact=False)
    assert found.of(inner) == Interval(3, 8)
    assert found.of(other) == Interval(I64.min, I64.max)
    either = Logic(
        LogicOp.OR, compare(CompareOp.LT, n, const(3)), compare(CompareOp.GE, n, const(9)), HERE
    )
    body = [when(either, assign(x, other), otherwise=[assign(x, inner)])]
    assert analysed([("n", I64)], body, compact=False).of(inner) == Interval(3, 8)


def test_loops():
    i, s, t = Local("i", I64), Local("s", I64), Local("t", I64)
    inside_for, inside_while, behind = read(i), read(s), read(s)
    falling = read(t)
    body = [
        loop(i, const(0), Dim("a", 0, HERE), const(1), store("a", inside_for, const(1.0, F32))),
        loop(t, const(9), const(0), const(-2), store("a", falling, const(1.0, F32))),
        assign(s, const(128)),
        loop_while(
            compare(CompareOp.GT, read(s), const(0)),
            store("a", inside_while, const(1.0, F32)),
            assign(s, binary(BinaryOp.FLOORDIV, read(s), const(2))),
        ),
        store("a", behind, const(1.0, F32)),
    ]
    found = analysed([slice_of("a", F32, Ownership.DISJOINT)], body)
    assert found.of(inside_for) == Interval(0, HIGH - 1)
    assert found.of(falling) == Interval(1, 9)
    assert found.of(inside_while) == Interval(1, 128)
    assert found.of(behind) == Interval(0, 0)


def test_a_loop_that_grows_is_widened():
    i, seen = Local("i", I32), read(Local("i", I32))
    body = [
        assign(i, const(0, I32)),
        loop_while(
            compare(CompareOp.LT, read(i), param("n", I32)),
            store("a", const(0), seen),
            assign(i, binary(BinaryOp.ADD, read(i), const(3, I32))),
        ),
    ]
    found = analysed([("n", I32), slice_of("a", I32, Ownership.DISJOINT)], body, compact=False)
    # i + 3 may wrap, so nothing is known but that i lies below n.
    assert found.of(seen) == Interval(I32.min, I32.max - 1)


def test_contract_and_facts():
    n = param("n", U32)
    x = Local("x", I64)
    places = [special(Register.THREAD), special(Register.BLOCK_DIM), special(Register.GRID_DIM, 2)]
    body = [assign(x, place) for place in places]
    fact = compare(CompareOp.LE, n, const(10, U32))
    found = analysed([("n", U32)], body, block=(64, 1, 1), conditions=[fact])
    assert [found.of(place) for place in places[:2]] == [Interval(0, 63), Interval(64, 64)]
    assert found.of(n) == Interval(0, 10)


def test_a_load_gives_anything():
    x = Local("x", I32)
    value = read(x)
    body = [load(x, "a", const(0)), store("a", const(1), value)]
    found = analysed([slice_of("a", I32, Ownership.DISJOINT)], body)
    assert found.of(value) == Interval(I32.min, I32.max)
    assert checked(kernel("k", [], [])).compact is False
