"""Run-time checks: what they find, and what happens where threads wait for each other."""

from __future__ import annotations

import pytest

from codegen.differential import execute
from codegen.reading import contents, trusted, unproved
from oxide_analyzer.launch import Launch
from oxide_codegen.abi import FailureKind
from oxide_codegen.failures import failure as error_of
from oxide_codegen.native import compile_native
from oxide_codegen.ptx import compile_ptx

ONE = (1, 1, 1)

VIEW = """
    @kernel
    def k(a: Slice[i32], start: i64, stop: i64, at: i64, out: DisjointSlice[i32]):
        part = a[start:stop]
        if thread.x < len(out):
            out[thread.x] = part[at]
"""
ASSERT = """
    @kernel
    def k(a: Slice[i32], out: DisjointSlice[i32]):
        i = thread.index_1d()
        if i < len(a) and i < len(out):
            assert a[i] > 0, "positive"
            out[i] = a[i]
"""
WIDE = """
    @kernel
    def k(a: Slice[i32], at: i64, out: DisjointSlice[i32]):
        x, y = a.load(at, 2)
        if thread.x < len(out):
            out[thread.x] = x - y
"""


def fails(text: str, scalars, arrays):
    """The error of a launch of one thread."""
    checked = unproved(text)
    launch = Launch(ONE, ONE, scalars, arrays)
    _, record = execute(compile_native(checked), checked.kernel, launch)
    return None if record is None else error_of(checked.kernel, record)


@pytest.mark.parametrize(
    ("start", "stop", "at", "words"),
    [
        (2, 5, 0, None),
        (0, 8, 7, None),
        (3, 3, 0, "index 0 is out of bounds of a view of `a` with length 0"),
        (2, 5, 3, "index 3 is out of bounds of a view of `a` with length 3"),
        (2, 5, -1, "index -1 is out of bounds of a view of `a` with length 3"),
        (5, 2, 0, "the view [5:2] of `a` is not within its length 8"),
        (0, 9, 0, "the view [0:9] of `a` is not within its length 8"),
        (-1, 4, 0, "the view [-1:4] of `a` is not within its length 8"),
        (-3, -1, 0, "the view [-3:-1] of `a` is not within its length 8"),
    ],
)
def test_views(start, stop, at, words):
    arrays = {"a": contents(range(8), 8), "out": contents(0, 1)}
    error = fails(VIEW, {"start": start, "stop": stop, "at": at}, arrays)
    if words is None:
        assert error is None
    else:
        assert words in str(error)
        assert isinstance(error, IndexError)


@pytest.mark.parametrize(
    ("at", "words"),
    [
        (0, None),
        (6, None),
        (3, "2 elements of `a` at once from offset 3"),
        (8, "index 8 is out of bounds of `a` with length 8"),
        (-2, "index -2 is out of bounds"),
    ],
)
def test_wide_accesses(at, words):
    error = fails(WIDE, {"at": at}, {"a": contents(range(8), 8), "out": contents(0, 1)})
    assert error is None if words is None else words in str(error)


def test_assertions_carry_their_message():
    arrays = {"a": contents([0, 1], 2), "out": contents(0, 2)}
    error = fails(ASSERT, {}, arrays)
    assert isinstance(error, AssertionError)
    assert str(error).startswith("k: positive\n  kernel.py:")
    assert error.rule == "OX308"


def test_a_proof_leaves_checks_out():
    for text in (VIEW, ASSERT, WIDE):
        assert "exit" not in compile_ptx(trusted(text), "sm_90").text
        assert "exit" in compile_ptx(unproved(text), "sm_90").text


UNSAFE = """
    @kernel
    def k(a: Slice[i32], out: DisjointSlice[i32]):
        with unsafe("the caller knows"):
            out[thread.x] = a[thread.x]
"""


def test_what_is_unsafe_is_checked_unless_it_is_proved():
    error = fails(UNSAFE, {}, {"a": contents(0, 0), "out": contents(0, 1)})
    assert isinstance(error, IndexError)
    assert "exit" not in compile_ptx(trusted(UNSAFE), "sm_90").text


MEETING = """
    @kernel(cooperative=True)
    def k(a: Slice[i32], where: Slice[i64], out: DisjointSlice[i32]):
        i = thread.index_1d()
        grid_sync()
        if i < len(where) and i < len(out):
            out[i] = a[where[i]] // a[i]
        grid_sync()
        if i < len(out):
            out[i] = out[i] + 1
"""


def test_where_others_wait_a_thread_that_fails_goes_on():
    checked = unproved(MEETING)
    where = [*range(1, 8), 99]
    arrays = {
        "a": contents([0, *range(1, 8)], 8),
        "where": contents(where, 8),
        "out": contents(7, 8),
    }
    launch = Launch((2, 1, 1), (4, 1, 1), {}, arrays)
    after, failure = execute(compile_native(checked), checked.kernel, launch)
    # A zero divisor gives 0, an element that is none is 0.
    assert failure is not None
    assert failure.kind in (FailureKind.DIVISOR, FailureKind.BOUNDS)
    assert after["out"].values == (1, 3, 2, 2, 2, 2, 2, 1)
    text = compile_ptx(checked, "sm_90").text
    assert "exit" not in text


def test_where_others_wait_no_access_leans_on_a_check():
    """The second access is proved only where the first check ends the thread."""
    text = """
        @kernel(cooperative=True)
        def k(a: Slice[i32], n: i64, out: DisjointSlice[i32]):
            grid_sync()
            assert n < len(a), "n"
            if thread.index_1d() == 0 and len(out) > 0:
                out[0] = a[n]
            grid_sync()
    """
    whole = trusted(text)
    some = unproved(text)
    sites = sorted(whole.proved_bounds)
    partly = type(some)(
        some.kernel, (), frozenset(sites[1:]), frozenset(), some.initialised, some.compact
    )
    arrays = {"a": contents(5, 4), "out": contents(1, 1)}
    launch = Launch(ONE, ONE, {"n": 1 << 40}, arrays)
    after, failure = execute(compile_native(partly), partly.kernel, launch)
    assert failure is not None
    assert failure.kind is FailureKind.ASSERTION
    assert after["out"].values == (0,)
