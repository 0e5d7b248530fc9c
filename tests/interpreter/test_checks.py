"""Checks of views, alignment and assertions; atomics of every kind; dynamic shared memory."""

import math

import pytest

from interpreter.building import (
    INDEX,
    THREAD,
    add,
    assign,
    at,
    atomic,
    compare,
    dim,
    dynamic,
    expr,
    kernel,
    launch,
    load,
    local,
    mul,
    scratch,
    slice_of,
    store,
    when,
)
from oxide_analyzer.interpreter import (
    BadView,
    FailedAssertion,
    Misaligned,
    OutOfBounds,
    Race,
    Uninitialised,
    run,
)
from oxide_analyzer.ir import nodes as ir
from oxide_analyzer.language.types import F32, I8, I16, I32, I64, U8, U32, U64

x, y = local("x"), local("y")
out = slice_of("out")


def kinds(outcome):
    return [type(failure) for failure in outcome.failures]


def test_an_index_outside_of_its_view():
    k = kernel(
        ir.CheckIndex("out", 1, expr(THREAD), expr(2), 0, at()),
        load(x, "out", THREAD, site=1),
        arrays=(out,),
    )
    outcome = run(k, launch(4, out=[0] * 4))
    (failure,) = outcome.failures
    assert isinstance(failure, OutOfBounds)
    assert failure.view
    assert (failure.axis, failure.length, failure.event.index) == (1, 2, (2,))
    assert (failure.event.array, failure.event.thread) == ("out", (2, 0, 0))
    assert len(outcome.executed(1)) == 4


@pytest.mark.parametrize(("start", "stop", "fails"), [
    (0, 0, False), (1, 4, False), (4, 4, False), (2, 1, True), (-1, 2, True), (0, 5, True),
])  # fmt: skip
def test_views(start, stop, fails):
    k = kernel(ir.CheckView("out", 0, expr(start), expr(stop), dim("out"), 0, at()), arrays=(out,))
    failures = run(k, launch(1, out=[0] * 4)).failures
    assert bool(failures) is fails
    for failure in failures:
        assert isinstance(failure, BadView)
        assert (failure.axis, failure.start, failure.stop, failure.length) == (0, start, stop, 4)
        assert failure.event.array == "out"


def test_wide_accesses_are_aligned():
    k = kernel(
        ir.CheckAligned("out", mul(THREAD, 2), 4, 0, at()),
        arrays=(out,),
    )
    (failure,) = run(k, launch(2, out=[0] * 8)).failures
    assert isinstance(failure, Misaligned)
    assert (failure.width, failure.event.index, failure.event.array) == (4, (2,), "out")
    assert run(k, launch(1, out=[0] * 8)).succeeded


def test_assertions_and_what_follows_them():
    k = kernel(
        ir.Assert(compare("<", THREAD, 2), "two threads", 0, at()),
        load(x, "out", THREAD, site=1),
        arrays=(out,),
    )
    outcome = run(k, launch(3, out=[0] * 2))
    first, second = outcome.failures
    assert isinstance(first, FailedAssertion)
    assert (first.message, first.event.thread, first.clean) == ("two threads", (2, 0, 0), True)
    assert isinstance(second, OutOfBounds)
    assert not second.clean


def test_unsafe_regions_just_run():
    k = kernel(ir.Unsafe("it is known", (load(x, "out", 5, site=1),), 0, at()), arrays=(out,))
    assert kinds(run(k, launch(1, out=[0]))) == [OutOfBounds]


# ---------------------------------------------------------------- atomics


@pytest.mark.parametrize(("op", "type", "before", "value", "after"), [
    ("add", I32, 2**31 - 1, 1, -(2**31)),
    ("sub", U32, 0, 1, 2**32 - 1),
    ("add", I8, 127, 1, -128),
    ("sub", U8, 0, 1, 255),
    ("add", I16, -32768, -1, 32767),
    ("min", I64, 3, -4, -4),
    ("max", U64, 3, 2**64 - 1, 2**64 - 1),
    ("and_", U32, 12, 10, 8),
    ("or_", I32, 12, 3, 15),
    ("xor", U64, 12, 10, 6),
    ("exchange", F32, 1.5, 2.5, 2.5),
    ("add", F32, 0.5, 0.25, 0.75),
    ("min", F32, math.nan, 1.0, 1.0),
    ("max", F32, 2.0, math.nan, 2.0),
], ids=str)  # fmt: skip
def test_read_modify_writes(op, type, before, value, after):
    old, a, kept = local("%o", type), slice_of("a", type), slice_of("kept", type)
    k = kernel(
        atomic(op, old, "a", 0, value, site=0, type=type),
        store("kept", 0, value=ir.Read(old, at()), site=1),
        arrays=(a, kept),
    )
    outcome = run(k, launch(1, a=[before], kept=[0]))
    assert outcome.succeeded
    assert repr(outcome.arrays["a"].values[0]) == repr(after)
    assert repr(outcome.arrays["kept"].values[0]) == repr(before)


@pytest.mark.parametrize(("before", "expected", "after"), [
    (1.0, 1.0, 9.0), (1.0, 2.0, 1.0), (0.0, -0.0, 0.0), (math.nan, math.nan, 9.0),
])  # fmt: skip
def test_exchanges_compare_bits(before, expected, after):
    old = local("%o", F32)
    k = kernel(
        atomic("compare_exchange", old, "a", 0, 9.0, compare=expected, site=0, type=F32),
        arrays=(slice_of("a", F32),),
    )
    assert run(k, launch(1, a=[before])).arrays["a"].values == (after,)


def test_atomic_loads_race_with_writes_and_not_with_reads():
    reads = kernel(
        atomic("load", x, "out", 0, site=0, scope="block"), load(y, "out", 0, site=1), arrays=(out,)
    )
    assert run(reads, launch(4, 2, out=[0])).succeeded
    writes = kernel(
        atomic("load", x, "out", 0, site=0),
        when(compare("==", INDEX, 1), store("out", 0, value=1, site=1)),
        arrays=(out,),
    )
    assert kinds(run(writes, launch(4, 1, out=[0]))) == [Race]


@pytest.mark.parametrize("scope", ["block", "cluster"])
def test_narrow_scopes_do_not_protect_across_blocks(scope):
    k = kernel(atomic("max", x, "out", 0, THREAD, site=0, scope=scope), arrays=(out,))
    assert run(k, launch(4, 1, out=[0])).succeeded
    (failure,) = run(k, launch(4, 2, out=[0])).failures
    assert isinstance(failure, Race)
    assert failure.first.block != failure.second.block


def test_an_atomic_out_of_bounds_changes_nothing_and_gives_zero():
    k = kernel(
        atomic("exchange", x, "out", 3, 5, site=0),
        atomic("store", None, "out", 4, 5, site=1),
        store("out", 0, value=add(x, 1), site=2),
        arrays=(out,),
    )
    outcome = run(k, launch(1, out=[7]))
    assert kinds(outcome) == [OutOfBounds, OutOfBounds]
    assert outcome.arrays["out"].values == (1,)


def test_atomics_on_undefined_shared_memory():
    tile = scratch("tile", 2)
    added = kernel(atomic("add", x, "tile", 0, 1, site=0), arrays=(tile,))
    assert kinds(run(added, launch(1))) == [Uninitialised]
    stored = kernel(
        atomic("store", None, "tile", 0, 1, site=0),
        atomic("add", x, "tile", 0, 1, site=1),
        arrays=(tile,),
    )
    assert run(stored, launch(1)).succeeded


# ---------------------------------------------------------------- dynamic shared memory


def test_dynamic_shared_memory_is_as_long_as_the_launch_says():
    buffer = dynamic("buffer", I32)
    k = kernel(
        store("buffer", THREAD, value=ir.Const(3, I32, at()), site=0),
        assign(x, dim("buffer")),
        store("out", THREAD, value=x, site=1),
        arrays=(buffer, out),
    )
    outcome = run(k, launch(3, out=[0] * 3, shared=12))
    assert outcome.succeeded
    assert outcome.arrays["out"].values == (3, 3, 3)
    short = run(k, launch(3, out=[0] * 3, shared=11))
    assert [(f.length, f.event.index) for f in short.failures] == [(2, (2,))]
