"""What lanes compute together, who has to come, and what comes from those who take no part."""

import math

import pytest

from interpreter.building import (
    LANE,
    THREAD,
    add,
    assign,
    barrier,
    binary,
    compare,
    expr,
    kernel,
    launch,
    leave_kernel,
    load,
    local,
    loop,
    repeat,
    scratch,
    slice_of,
    store,
    warp,
    when,
)
from oxide_analyzer.diagnostics import AccessKind
from oxide_analyzer.interpreter import (
    Divergence,
    Named,
    OutsideMask,
    Race,
    Uninitialised,
    WarpDivergence,
    run,
)
from oxide_analyzer.ir import nodes as ir
from oxide_analyzer.language.types import BOOL, F32, I32, I64, U32, Scalar
from oxide_analyzer.launch import Contents, Launch

x, y, i, n = local("x"), local("y"), local("i"), local("n")


def kinds(outcome):
    return [type(failure) for failure in outcome.failures]


def given(function, values, *, type=I64, result=None, takes=None, mask=None, **more):
    """What the lanes of one block get for `values`, one for each thread; `takes` are skipped."""
    result = result or type
    a, got, out = local("%a", type), local("%r", result), slice_of("out", result)
    source = slice_of("a", type)
    operation = warp(function, got, a, site=1, mask=mask, type=type, **more)
    zero = expr(False if result is BOOL else 0.0 if result.is_float else 0, result)
    k = kernel(
        load(a, "a", THREAD, site=0),
        operation if takes is None else when(takes, operation, otherwise=(assign(got, zero),)),
        store("out", THREAD, value=ir.Read(got, operation.span), site=2),
        arrays=(source, out),
    )
    blank = [False if result is BOOL else 0] * len(values)
    return run(k, launch(len(values), 1, a=list(values), out=blank))


@pytest.mark.parametrize(("function", "operand", "width", "expected"), [
    ("shuffle", 3, 32, [3] * 8),
    ("shuffle", 9, 8, [1] * 8),
    ("shuffle", -1, 4, [3, 3, 3, 3, 7, 7, 7, 7]),
    ("shuffle_up", 1, 32, [0, 0, 1, 2, 3, 4, 5, 6]),
    ("shuffle_up", 2, 4, [0, 1, 0, 1, 4, 5, 4, 5]),
    ("shuffle_down", 1, 4, [1, 2, 3, 3, 5, 6, 7, 7]),
    ("shuffle_xor", 1, 32, [1, 0, 3, 2, 5, 4, 7, 6]),
    ("shuffle_xor", 4, 4, [0, 1, 2, 3, 4, 5, 6, 7]),
])  # fmt: skip
def test_shuffles(function, operand, width, expected):
    outcome = given(function, range(8), lane=operand, width=width)
    assert outcome.succeeded
    assert outcome.arrays["out"].values == tuple(expected)


def test_what_comes_from_a_lane_that_the_warp_does_not_have_is_undefined():
    outcome = given("shuffle_down", range(8), lane=1)
    (failure,) = outcome.failures
    assert isinstance(failure, Uninitialised)
    assert failure.event.array is None
    assert failure.event.thread == (7, 0, 0)
    assert failure.clean
    assert outcome.arrays["out"].values == (1, 2, 3, 4, 5, 6, 7, 0)


def test_what_comes_from_a_lane_outside_of_the_mask_is_undefined():
    low = compare("<", THREAD, 4)
    outcome = given("shuffle_xor", range(8), lane=1, mask=0x0F, takes=low)
    assert outcome.succeeded
    beyond = given("shuffle_xor", range(8), lane=4, mask=0x0F, takes=low)
    assert {f.event.thread[0] for f in beyond.failures} <= {0, 1, 2, 3}
    assert kinds(beyond) == [Uninitialised]


def test_an_undefined_value_may_be_copied_and_not_used():
    got = local("%r")
    body = (
        warp("shuffle_down", got, THREAD, site=0, lane=1),
        assign(x, got),
        assign(y, x),
    )
    assert run(kernel(*body), launch(8)).succeeded
    used = kernel(*body, assign(n, add(y, 1)))
    (failure,) = run(used, launch(8)).failures
    assert isinstance(failure, Uninitialised)
    assert failure.event.thread == (7, 0, 0)
    assert "x" not in failure.event.values
    guarded = kernel(*body, when(compare("<", LANE, 7), assign(n, add(y, 1))))
    assert run(guarded, launch(8)).succeeded


def test_a_loop_of_shuffles_makes_a_sum():
    v, got, distance = local("v"), local("%r"), local("d")
    k = kernel(
        load(v, "a", THREAD, site=0),
        assign(distance, 16),
        repeat(
            compare(">", distance, 0),
            warp("shuffle_down", got, v, site=1, lane=distance),
            assign(v, add(v, got)),
            assign(distance, binary("//", distance, 2)),
        ),
        when(
            compare("==", LANE, 0),
            store("out", binary("//", THREAD, 32), value=v, site=2),
        ),
        arrays=(slice_of("a"), slice_of("out")),
    )
    outcome = run(k, launch(64, 1, a=list(range(64)), out=[0, 0]))
    assert outcome.succeeded
    assert outcome.arrays["out"].values == (sum(range(32)), sum(range(32, 64)))
    # Half a warp: lanes 16 and up are not there.
    partial = run(k, launch(48, 1, a=list(range(48)), out=[0, 0]))
    assert kinds(partial) == [Uninitialised]
    assert partial.failures[0].event.thread == (32, 0, 0)


@pytest.mark.parametrize(("function", "values", "result", "expected"), [
    ("any", [False, True, False], BOOL, [True] * 3),
    ("all", [True, True, False], BOOL, [False] * 3),
    ("ballot", [True, False, True], U32, [0b101] * 3),
])  # fmt: skip
def test_votes(function, values, result, expected):
    outcome = given(function, values, type=BOOL, result=result)
    assert outcome.arrays["out"].values == tuple(expected)


@pytest.mark.parametrize(("function", "values", "expected"), [
    ("match_any", [5, 7, 5, 9], [0b101, 0b010, 0b101, 0b1000]),
    ("match_all", [5, 5, 5, 5], [0b1111] * 4),
    ("match_all", [5, 5, 6, 5], [0] * 4),
])  # fmt: skip
def test_matches(function, values, expected):
    assert given(function, values, result=U32).arrays["out"].values == tuple(expected)


def test_matches_compare_bits():
    values = [0.0, -0.0, math.nan, math.nan]
    outcome = given("match_any", values, type=F32, result=U32)
    assert outcome.arrays["out"].values == (1, 2, 12, 12)


SMALL = Scalar("i8", I32.kind, 8)


@pytest.mark.parametrize(("function", "type", "values", "expected"), [
    ("reduce_add", I64, [1, 2, 3, 4], 10),
    ("reduce_add", SMALL, [100, 100], -56),
    ("reduce_min", I32, [3, -2, 5], -2),
    ("reduce_max", U32, [3, 2, 5], 5),
    ("reduce_and", U32, [7, 6], 6),
    ("reduce_or", I32, [1, -8], -7),
    ("reduce_xor", U32, [7, 2, 1], 4),
    ("reduce_add", F32, [-0.0, -0.0], -0.0),
    ("reduce_min", F32, [2.0, math.nan, 1.5], 1.5),
])  # fmt: skip
def test_reductions_over_the_lanes_that_there_are(function, type, values, expected):
    got = given(function, values, type=type).arrays["out"].values
    assert [repr(value) for value in got] == [repr(expected)] * len(values)


def test_reductions_of_nothing_but_nan_are_nan():
    got = given("reduce_max", [math.nan] * 3, type=F32).arrays["out"].values
    assert all(math.isnan(value) for value in got)


def test_reductions_of_segments_and_their_order():
    outcome = given("reduce_add", [1, 2, 3, 4, 5, 6], width=2)
    assert outcome.arrays["out"].values == (3, 3, 7, 7, 11, 11)
    # 1 + 2^24 is not an f32: (v0 + v2) + (v1 + v3) keeps both ones.
    big = float(2**24)
    outcome = given("reduce_add", [1.0, big, 1.0, 0.0], type=F32, width=4)
    assert outcome.arrays["out"].values == (big + 2,) * 4


@pytest.mark.parametrize(("function", "exclusive", "width", "expected"), [
    ("scan_add", False, 32, [3, 4, 8, 9, 14]),
    ("scan_add", True, 32, [0, 3, 4, 8, 9]),
    ("scan_add", True, 2, [0, 3, 0, 4, 0]),
    ("scan_max", False, 32, [3, 3, 4, 4, 5]),
    ("scan_min", True, 4, [I64.max, 3, 1, 1, I64.max]),
])  # fmt: skip
def test_scans(function, exclusive, width, expected):
    outcome = given(function, [3, 1, 4, 1, 5], exclusive=exclusive, width=width)
    assert outcome.arrays["out"].values == tuple(expected)


def test_lanes_count_over_the_whole_block():
    k = kernel(
        assign(x, ir.Special(ir.Register.THREAD, 1, expr(0).span)),
        when(compare("==", LANE, 5), store("out", x, value=THREAD, site=0)),
        arrays=(slice_of("out"),),
    )
    shape = Launch((1, 1, 1), (12, 6, 1), {}, {"out": Contents((6,), (-1,) * 6)})
    outcome = run(k, shape)
    assert outcome.arrays["out"].values == (5, -1, -1, 1, -1, 9)


# ---------------------------------------------------------------- who has to come


def test_a_live_lane_that_came_to_the_end_is_missed():
    k = kernel(when(compare("<", THREAD, 4), warp("sync_warp", site=0)))
    (failure,) = run(k, launch(8)).failures
    assert isinstance(failure, WarpDivergence)
    assert (failure.waiting.site, failure.waiting.thread) == (0, (0, 0, 0))
    assert (failure.other.kind, failure.other.site) == (AccessKind.EXIT, None)
    assert failure.other.thread == (4, 0, 0)
    assert run(k, launch(4)).succeeded


def test_a_lane_that_returned_is_not_missed_by_operations_and_is_by_who_reads_it():
    got = local("%r")
    k = kernel(
        when(compare(">=", THREAD, 4), leave_kernel(0)),
        warp("shuffle_xor", got, THREAD, site=1, lane=1),
        store("out", THREAD, value=got, site=2),
        arrays=(slice_of("out"),),
    )
    assert run(k, launch(8, out=[0] * 8)).arrays["out"].values == (1, 0, 3, 2, 0, 0, 0, 0)
    far = kernel(
        when(compare(">=", THREAD, 4), leave_kernel(0)),
        warp("shuffle_xor", got, THREAD, site=1, lane=4),
        store("out", THREAD, value=got, site=2),
        arrays=(slice_of("out"),),
    )
    assert kinds(run(far, launch(8, out=[0] * 8))) == [Uninitialised]


def test_two_operations_are_not_one_and_warps_are_on_their_own():
    half = compare("<", binary("%", THREAD, 32), 16)
    parts = when(half, warp("sync_warp", site=0), otherwise=(warp("sync_warp", site=1),))
    (failure,) = run(kernel(parts), launch(32)).failures
    assert isinstance(failure, WarpDivergence)
    assert {failure.waiting.site, failure.other.site} == {0, 1}
    whole = compare("<", THREAD, 32)
    parts = when(whole, warp("sync_warp", site=0), otherwise=(warp("sync_warp", site=1),))
    assert run(kernel(parts), launch(64)).succeeded


def test_lanes_meet_in_one_iteration():
    k = kernel(loop(i, 0, 2, when(compare(">=", add(i, THREAD), 1), warp("sync_warp", site=0))))
    assert kinds(run(k, launch(2))) == [WarpDivergence]


def test_masks_name_who_comes():
    low = compare("<", THREAD, 4)
    k = kernel(when(low, warp("sync_warp", site=0, mask=0x0F)))
    assert run(k, launch(8)).succeeded
    wide = kernel(when(low, warp("sync_warp", site=0, mask=0x1F)))
    (failure,) = run(wide, launch(8)).failures
    assert isinstance(failure, WarpDivergence)
    assert failure.other.thread == (4, 0, 0)


def test_two_groups_may_meet_at_one_operation():
    mine = ir.Select(compare("<", THREAD, 4), expr(0x0F, U32), expr(0xF0, U32), U32, expr(0).span)
    got = local("%r")
    k = kernel(
        warp("reduce_add", got, THREAD, site=0, mask=mine),
        store("out", THREAD, value=got, site=1),
        arrays=(slice_of("out"),),
    )
    outcome = run(k, launch(8, out=[0] * 8))
    assert outcome.succeeded
    assert outcome.arrays["out"].values == (6,) * 4 + (22,) * 4


def test_lanes_outside_of_the_mask():
    k = kernel(warp("sync_warp", site=0, mask=0x0F))
    outcome = run(k, launch(6))
    (failure,) = outcome.failures
    assert isinstance(failure, OutsideMask)
    assert (failure.mask, failure.lane, failure.clean) == (0x0F, 4, True)
    assert failure.event.thread == (4, 0, 0)


def test_a_warp_operation_blocks_the_barrier_of_the_block():
    k = kernel(when(compare("<", THREAD, 4), warp("sync_warp", site=0)), barrier(1))
    (failure,) = run(k, launch(8)).failures
    assert isinstance(failure, WarpDivergence)
    assert failure.other.site == 1
    fine = kernel(warp("sync_warp", site=0), barrier(1), warp("sync_warp", site=2))
    assert run(fine, launch(70, 2)).succeeded
    skips = kernel(warp("sync_warp", site=0), when(compare("<", THREAD, 32), barrier(1)))
    (failure,) = run(skips, launch(64)).failures
    assert isinstance(failure, Divergence)


def test_what_a_divergence_cuts_short_is_not_called_uninitialised():
    # Lane 0 reads what the second warp is about to write: a race, which does not come to pass.
    k = kernel(
        when(compare("==", THREAD, 0), load(x, "tile", 40, site=0)),
        when(compare("<", THREAD, 4), warp("sync_warp", site=1)),
        store("tile", THREAD, value=1, site=2),
        arrays=(scratch("tile", 64),),
    )
    outcome = run(k, launch(64))
    assert kinds(outcome) == [WarpDivergence]


# ---------------------------------------------------------------- order


def exchange(between, *, block=32) -> tuple:
    body = (
        store("tile", THREAD, value=THREAD, site=0),
        *between,
        load(x, "tile", binary("^", THREAD, 1), site=2),
    )
    return kernel(*body, arrays=(scratch("tile", block),)), launch(block)


def test_threads_of_a_warp_do_not_run_in_lockstep():
    assert Race in kinds(run(*exchange(())))


def test_sync_warp_orders_the_lanes_of_a_warp():
    assert run(*exchange((warp("sync_warp", site=1),))).succeeded


def test_sync_warp_orders_nobody_else():
    body = (
        store("tile", THREAD, value=THREAD, site=0),
        warp("sync_warp", site=1),
        load(x, "tile", binary("^", THREAD, 32), site=2),
    )
    k = kernel(*body, arrays=(scratch("tile", 64),))
    assert kinds(run(k, launch(64))) == [Race]


def test_sync_warp_orders_the_lanes_of_its_mask_only():
    even = 0x55555555
    body = (
        store("tile", THREAD, value=THREAD, site=0),
        when(
            compare("==", binary("%", THREAD, 2), 0),
            warp("sync_warp", site=1, mask=even),
            load(x, "tile", binary("^", THREAD, 2), site=2),
        ),
    )
    assert run(kernel(*body, arrays=(scratch("tile", 32),)), launch(32)).succeeded
    odd = when(
        compare("==", binary("%", THREAD, 2), 0),
        warp("sync_warp", site=1, mask=even),
        load(x, "tile", binary("^", THREAD, 1), site=2),
    )
    k = kernel(body[0], odd, arrays=(scratch("tile", 32),))
    assert kinds(run(k, launch(32))) == [Race]


@pytest.mark.parametrize("function", ["shuffle", "any", "reduce_add"])
def test_other_operations_order_nothing(function):
    got = local("%r", BOOL if function == "any" else I64)
    value = compare("==", THREAD, 0) if function == "any" else THREAD
    operand = 0 if function == "shuffle" else None
    k, launched = exchange((warp(function, got, value, site=1, lane=operand),))
    assert Race in kinds(run(k, launched))


def test_a_read_that_sync_warp_puts_before_the_write_is_uninitialised():
    k = kernel(
        load(x, "tile", THREAD, site=0),
        warp("sync_warp", site=1),
        store("tile", binary("^", THREAD, 1), value=1, site=2),
        arrays=(scratch("tile", 32),),
    )
    for schedule in (Named.IN_ORDER, Named.REVERSE, 3):
        assert kinds(run(k, launch(32), schedule=schedule)) == [Uninitialised]


def test_doubt_travels_through_shuffles():
    got = local("%r")
    k = kernel(
        assign(x, 0),
        when(compare("==", THREAD, 0), load(x, "out", 9, site=0)),
        warp("shuffle", got, x, site=1, lane=0),
        load(y, "out", add(got, 5), site=2),
        arrays=(slice_of("out"),),
    )
    outcome = run(k, launch(4, out=[0]))
    assert [f.clean for f in outcome.failures] == [True, False]
