"""Runs of kernels written as IR: control flow, barriers, memory, and each kind of failure."""

import gc
import weakref

import pytest

from interpreter.building import (
    BLOCK,
    INDEX,
    THREAD,
    add,
    assign,
    at,
    atomic_add,
    barrier,
    binary,
    compare,
    dim,
    expr,
    inline,
    kernel,
    launch,
    leave,
    leave_kernel,
    load,
    local,
    loop,
    mul,
    repeat,
    scratch,
    slice_of,
    store,
    when,
)
from oxide_analyzer.diagnostics import AccessKind
from oxide_analyzer.interpreter import (
    Divergence,
    HarmfulExit,
    OutOfBounds,
    Race,
    Uninitialised,
    ZeroDivisor,
    run,
)
from oxide_analyzer.ir import nodes as ir
from oxide_analyzer.ir.kernel import Kernel
from oxide_analyzer.language.types import BOOL, F32, I32, I64, U32
from oxide_analyzer.launch import Contents, Launch

t, i, n, x, y = local("t"), local("i"), local("n"), local("%x"), local("%y")
out = slice_of("out")


def kinds(outcome):
    return [type(failure) for failure in outcome.failures]


def sites(failure: Race):
    return failure.first.site, failure.second.site


def block_sum(size: int, *, first_barrier: bool = True, loop_barrier: bool = True) -> Kernel:
    stride = local("stride")
    return kernel(
        assign(t, THREAD),
        when(
            compare("<", INDEX, dim("a")),
            load(x, "a", INDEX, site=0),
            otherwise=(assign(x, 0),),
        ),
        store("tile", t, value=x, site=1),
        *([barrier(2)] if first_barrier else []),
        assign(stride, size // 2),
        repeat(
            compare(">", stride, 0),
            when(
                compare("<", t, stride),
                load(x, "tile", t, site=3),
                load(y, "tile", add(t, stride), site=4),
                store("tile", t, value=add(x, y), site=5),
            ),
            *([barrier(6)] if loop_barrier else []),
            assign(stride, binary("//", stride, 2)),
        ),
        when(
            compare("==", t, 0),
            load(x, "tile", 0, site=7),
            store("out", BLOCK, value=x, site=8),
        ),
        arrays=(slice_of("a"), out, scratch("tile", size)),
    )


def test_block_sum():
    values = list(range(1, 61))
    outcome = run(block_sum(16), launch(16, 4, a=values, out=[0] * 4))
    assert outcome.succeeded
    assert outcome.arrays["out"].values == tuple(sum(values[k : k + 16]) for k in (0, 16, 32, 48))
    assert outcome.arrays["a"].values == tuple(values)
    assert outcome.executed(8) == {((b, 0, 0), (0, 0, 0)) for b in range(4)}
    assert len(outcome.executed(0)) == 60
    assert outcome.executed(99) == frozenset()


@pytest.mark.parametrize("block", [0, 3])
def test_block_sum_without_its_first_barrier_races_on_the_tile(block):
    outcome = run(block_sum(16, first_barrier=False), launch(16, block + 1, a=[1], out=[0] * 4))
    race = outcome.failures[0]
    assert isinstance(race, Race)
    assert race.clean
    assert sites(race) == (4, 1)
    assert race.first.array == "tile"
    assert race.first.index == race.second.index == (8,)
    assert (race.first.thread, race.second.thread) == ((0, 0, 0), (8, 0, 0))
    assert race.first.values == {"t": 0, "stride": 8}
    assert race.second.values == {"t": 8}
    # The undefined elements that thread 0 read are written by others: a race, nothing more.
    assert Uninitialised not in kinds(outcome)


def test_block_sum_without_its_loop_barrier_races_between_turns():
    outcome = run(block_sum(16, loop_barrier=False), launch(16, 1, a=[1], out=[0]))
    assert {tuple(sorted(sites(f))) for f in outcome.failures if isinstance(f, Race)} == {(4, 5)}


def test_every_pair_of_statements_that_races_is_reported_once():
    k = kernel(store("out", 0, value=1, site=0), store("out", 0, value=2, site=1), arrays=(out,))
    outcome = run(k, launch(3, 1, out=[0]))
    assert [tuple(sorted(sites(f))) for f in outcome.failures] == [(0, 0), (0, 1), (1, 1)]
    assert outcome.arrays["out"].values == (2,)


def test_only_different_blocks_race():
    k = kernel(when(compare("==", THREAD, 0), store("out", 0, value=BLOCK, site=0)), arrays=(out,))
    assert run(k, launch(4, 1, out=[0])).succeeded
    (race,) = run(k, launch(4, 3, out=[0])).failures
    assert (race.first.block, race.second.block) == ((0, 0, 0), (1, 0, 0))


def test_a_read_then_a_write_by_another_block_races_although_barriers_lie_between():
    k = kernel(
        load(x, "out", 0, site=0),
        barrier(1),
        when(compare("==", INDEX, 2), store("out", 0, value=1, site=2)),
        barrier(3),
        arrays=(out,),
    )  # fmt: skip
    (race,) = run(k, launch(2, 2, out=[0])).failures
    assert sites(race) == (0, 2)
    assert race.first.block != race.second.block


def test_shared_memory_of_different_blocks_is_not_shared():
    k = kernel(store("tile", THREAD, value=1, site=0), arrays=(out, scratch("tile", 4)))
    assert run(k, launch(4, 3, out=[0])).succeeded


def test_reads_of_one_element_do_not_race():
    k = kernel(load(x, "out", 0, site=0), arrays=(out,))
    assert run(k, launch(8, 2, out=[5])).succeeded


@pytest.mark.parametrize(("scope", "blocks", "races"), [
    ("device", 2, False), ("block", 1, False), ("block", 2, True),
])  # fmt: skip
def test_atomics_protect_whom_their_scope_holds(scope, blocks, races):
    k = kernel(atomic_add(x, "out", 0, value=2, site=0, scope=scope), arrays=(out,))
    outcome = run(k, launch(4, blocks, out=[1]))
    assert kinds(outcome) == [Race] * races
    assert outcome.arrays["out"].values == (1 + 8 * blocks,)


def test_an_atomic_and_a_plain_access_race():
    k = kernel(
        atomic_add(x, "out", 0, value=1, site=0),
        when(compare("==", THREAD, 1), load(y, "out", 0, site=1)),
        arrays=(out,),
    )
    outcome = run(k, launch(3, 1, out=[0]))
    assert [sites(f) for f in outcome.failures] == [(0, 1)]


def histogram(*, atomic: bool = True) -> Kernel:
    step = (
        (atomic_add(y, "bins", x, value=1, site=2),)
        if atomic
        else (load(y, "bins", x, site=2), store("bins", x, value=add(y, 1), site=3))
    )
    return kernel(
        store("bins", THREAD, value=0, site=0),
        barrier(9),
        loop(i, INDEX, dim("a"), load(x, "a", i, site=1), *step, step=8),
        barrier(4),
        load(x, "bins", THREAD, site=5),
        atomic_add(y, "out", THREAD, value=x, site=6),
        arrays=(slice_of("a"), out, scratch("bins", 4)),
    )


def test_histogram_with_shared_atomics():
    values = [k * k % 4 for k in range(50)]
    outcome = run(histogram(), launch(4, 2, a=values, out=[0] * 4))
    assert outcome.succeeded
    assert outcome.arrays["out"].values == tuple(values.count(k) for k in range(4))
    races = run(histogram(atomic=False), launch(4, 2, a=values, out=[0] * 4)).failures
    assert {frozenset(sites(f)) for f in races} == {frozenset((2, 3)), frozenset((3,))}


# ---------------------------------------------------------------- bounds, divisors, definedness


def test_out_of_bounds_loads_give_zero_and_stores_are_skipped():
    k = kernel(
        load(x, "a", add(INDEX, 1), site=0),
        store("out", binary("-", INDEX, 1), value=add(x, 10), site=1),
        arrays=(slice_of("a"), out),
    )
    outcome = run(k, launch(3, 1, a=[7, 8, 9], out=[1, 1, 1]))
    first, second = outcome.failures
    assert isinstance(first, OutOfBounds)
    assert (first.event.site, first.event.index, first.axis, first.length) == (1, (-1,), 0, 3)
    assert (second.event.site, second.event.index, second.event.thread) == (0, (3,), (2, 0, 0))
    assert first.clean
    assert second.clean
    assert outcome.arrays["out"].values == (19, 10, 1)


def test_each_axis_is_checked_for_itself():
    k = kernel(
        store("m", THREAD, 0, value=1, site=0),
        store("m", 0, THREAD, value=2, site=1),
        arrays=(slice_of("m", rank=2),),
    )
    L = Launch((1, 1, 1), (2, 1, 1), {}, {"m": Contents((1, 4), (0,) * 4)})
    found = [f for f in run(k, L).failures if isinstance(f, OutOfBounds)]
    assert [(f.event.site, f.event.index, f.axis, f.length) for f in found] == [(0, (1, 0), 0, 1)]


def test_elements_lie_in_c_order():
    r, c = THREAD, BLOCK
    k = kernel(store("m", r, c, value=add(mul(r, 10), c), site=0), arrays=(slice_of("m", rank=2),))
    L = Launch((3, 1, 1), (2, 1, 1), {}, {"m": Contents((2, 3), (0,) * 6)})
    assert run(k, L).arrays["m"].values == (0, 1, 2, 10, 11, 12)


def test_a_zero_divisor_gives_zero_and_taints_what_follows():
    quotient = ir.Binary(ir.BinaryOp.FLOORDIV, expr(10), expr(n), I64, at(), site=0)
    k = kernel(
        assign(n, binary("-", THREAD, 1)),
        ir.CheckDivisor(expr(n), ir.DivisorRole.DIVISOR, 0, at()),
        assign(x, quotient),
        store("out", THREAD, value=x, site=1),
        load(y, "a", add(x, 5), site=2),
        arrays=(out, slice_of("a")),
    )
    outcome = run(k, launch(2, 1, out=[0, 0], a=[1]))
    assert outcome.arrays["out"].values == (-10, 0)
    bounds, zero, behind = outcome.failures
    assert isinstance(behind, OutOfBounds)
    assert not behind.clean
    assert isinstance(zero, ZeroDivisor)
    assert zero.event.values == {"n": 0}
    assert isinstance(bounds, OutOfBounds)
    assert bounds.event.thread == (0, 0, 0)
    only_second = run(k, launch(2, 1, out=[0, 0], a=[1] * 6)).failures
    assert kinds(run(k, launch(2, 1, out=[0, 0], a=[1] * 5))) == [
        OutOfBounds,
        ZeroDivisor,
        OutOfBounds,
    ]
    assert [f.clean for f in only_second] == [True, True]


def test_a_step_of_zero_makes_no_turn():
    k = kernel(
        ir.CheckDivisor(expr(n), ir.DivisorRole.STEP, 0, at()),
        loop(i, 0, 3, store("out", i, value=1, site=1), step=n),
        arrays=(out,),
    )
    outcome = run(kernel(assign(n, 0), *k.body, arrays=(out,)), launch(1, 1, out=[0, 0, 0]))
    assert kinds(outcome) == [ZeroDivisor]
    assert outcome.arrays["out"].values == (0, 0, 0)


def test_an_unassigned_local():
    k = kernel(
        when(compare("==", THREAD, 0), assign(t, 4)),
        store("out", THREAD, value=t, site=0),
        arrays=(out,),
    )
    outcome = run(k, launch(2, 1, out=[9, 9]))
    (failure,) = outcome.failures
    assert isinstance(failure, Uninitialised)
    assert failure.event.array is None
    assert failure.event.site is None
    assert failure.event.thread == (1, 0, 0)
    assert outcome.arrays["out"].values == (4, 0)


def test_what_and_or_and_a_conditional_do_not_reach_is_not_read():
    guarded = ir.Logic(ir.LogicOp.AND, compare("==", THREAD, 0), compare("==", t, 4), at())
    chosen = ir.Select(compare("==", THREAD, 0), expr(t), expr(1), I64, at())
    k = kernel(
        when(compare("==", THREAD, 0), assign(t, 4)),
        when(guarded, store("out", 0, value=7, site=0)),
        store("out", add(THREAD, 1), value=chosen, site=1),
        arrays=(out,),
    )
    outcome = run(k, launch(2, 1, out=[0] * 3))
    assert outcome.succeeded
    assert outcome.arrays["out"].values == (7, 4, 1)


def test_the_variable_of_a_loop_without_a_turn_is_unassigned():
    k = kernel(
        loop(i, 0, THREAD, step=1),
        store("out", THREAD, value=i, site=0),
        arrays=(out,),
    )
    outcome = run(k, launch(3, 1, out=[9] * 3))
    assert kinds(outcome) == [Uninitialised]
    assert outcome.arrays["out"].values == (0, 0, 1)


def test_a_local_array_is_undefined_each_time_its_declaration_runs():
    k = kernel(
        loop(
            i, 0, 2,
            ir.Declare("buffer", at()),
            when(compare("==", i, 0), store("buffer", 1, value=5, site=0)),
            load(x, "buffer", 1, site=1),
            store("out", i, value=x, site=2),
        ),
        arrays=(out, scratch("buffer", 2, space="local")),
    )  # fmt: skip
    outcome = run(k, launch(1, 1, out=[9, 9]))
    (failure,) = outcome.failures
    assert isinstance(failure, Uninitialised)
    assert (failure.event.array, failure.event.index) == ("buffer", (1,))
    assert failure.event.values == {"i": 1}
    assert outcome.arrays["out"].values == (5, 0)


def test_shared_memory_is_undefined_at_the_start_of_each_block():
    k = kernel(
        when(compare("==", BLOCK, 0), store("tile", THREAD, value=1, site=0)),
        load(x, "tile", THREAD, site=1),
        arrays=(scratch("tile", 2),),
    )
    assert run(k, launch(2, 1)).succeeded
    (failure,) = run(k, launch(2, 2)).failures
    assert isinstance(failure, Uninitialised)
    assert failure.event.block == (1, 0, 0)


def test_clean_failures_come_first():
    k = kernel(
        load(x, "tile", 0, site=0),
        load(y, "a", add(x, 3), site=1),
        when(compare("==", THREAD, 1), load(y, "a", 7, site=2)),
        arrays=(slice_of("a"), scratch("tile", 1)),
    )
    outcome = run(k, launch(2, 1, a=[1]))
    assert [(type(f), f.clean) for f in outcome.failures] == [
        (Uninitialised, True),
        (OutOfBounds, False),
        (OutOfBounds, False),
    ]


def test_doubt_travels_through_memory_until_overwritten():
    k = kernel(
        when(
            compare("==", THREAD, 0),
            load(x, "a", 5, site=0),
            store("tile", 0, value=x, site=1),
        ),
        barrier(2),
        when(compare("==", THREAD, 1), load(y, "tile", 0, site=3), load(y, "a", add(y, 1), site=4)),
        barrier(5),
        when(compare("==", THREAD, 2), store("tile", 0, value=1, site=6)),
        barrier(7),
        when(compare("==", THREAD, 3), load(y, "tile", 0, site=8), load(y, "a", y, site=9)),
        arrays=(slice_of("a"), scratch("tile", 1)),
    )
    outcome = run(k, launch(4, 1, a=[1]))
    assert [(f.event.site, f.clean) for f in outcome.failures] == [(0, True), (9, True), (4, False)]


# ---------------------------------------------------------------- barriers and exits


def test_a_barrier_that_some_threads_skip_diverges():
    k = kernel(when(compare("<", THREAD, 2), barrier(0)))
    outcome = run(k, launch(4))
    (failure,) = outcome.failures
    assert isinstance(failure, Divergence)
    assert (failure.waiting.kind, failure.waiting.site) == (AccessKind.WAIT, 0)
    assert (failure.other.kind, failure.other.site) == (AccessKind.EXIT, None)
    assert failure.waiting.thread == (0, 0, 0)
    assert failure.other.thread == (2, 0, 0)
    assert run(k, launch(2)).succeeded


def test_two_barriers_are_not_one():
    k = kernel(when(compare("<", THREAD, 1), barrier(0), otherwise=(barrier(1),)))
    (failure,) = run(k, launch(2)).failures
    assert isinstance(failure, Divergence)
    assert (failure.waiting.site, failure.other.site) == (0, 1)


def test_threads_in_different_iterations_do_not_meet():
    skips_first = kernel(loop(i, 0, 2, when(compare(">=", add(i, THREAD), 1), barrier(0)), step=1))
    (failure,) = run(skips_first, launch(2)).failures
    assert isinstance(failure, Divergence)
    assert failure.waiting.values["i"] != failure.other.values["i"]
    together = kernel(loop(i, 0, 2, when(compare(">=", i, 1), barrier(0)), step=1))
    assert run(together, launch(2)).succeeded


def test_divergence_ends_the_block_only():
    k = kernel(
        when(compare("==", BLOCK, 0), when(compare("==", THREAD, 0), barrier(0))),
        when(compare("==", THREAD, 1), store("out", BLOCK, value=1, site=1)),
        barrier(2),
        when(compare("==", THREAD, 0), load(x, "out", BLOCK, site=3)),
        arrays=(out,),
    )
    outcome = run(k, launch(2, 2, out=[0, 0]))
    assert kinds(outcome) == [Divergence]
    assert outcome.arrays["out"].values == (1, 1)
    assert outcome.executed(3) == {((1, 0, 0), (0, 0, 0))}


def test_threads_that_returned_count_as_arrived():
    k = kernel(
        when(compare(">=", INDEX, dim("out")), leave_kernel(0)),
        store("tile", THREAD, value=1, site=1),
        barrier(2),
        load(x, "tile", THREAD, site=3),
        store("out", INDEX, value=x, site=4),
        arrays=(out, scratch("tile", 4)),
    )
    outcome = run(k, launch(4, 2, out=[0] * 6))
    assert outcome.succeeded
    assert outcome.executed(0) == {((1, 0, 0), (2, 0, 0)), ((1, 0, 0), (3, 0, 0))}


def test_an_exit_is_harmful_where_a_live_thread_reads_what_none_wrote():
    k = kernel(
        when(compare(">=", INDEX, dim("out")), leave_kernel(0)),
        store("tile", THREAD, value=1, site=1),
        barrier(2),
        load(x, "tile", binary("-", 3, THREAD), site=3),
        store("out", INDEX, value=x, site=4),
        arrays=(out, scratch("tile", 4)),
    )
    (failure,) = run(k, launch(4, 2, out=[0] * 6)).failures
    assert isinstance(failure, HarmfulExit)
    assert (failure.exit.site, failure.barrier.site, failure.access.site) == (0, 2, 3)
    assert failure.exit.block == (1, 0, 0)
    assert failure.exit.thread == (2, 0, 0)
    assert failure.access.index == (3,)
    assert failure.other is None


def test_an_exit_is_harmful_where_its_thread_races_behind_a_later_barrier():
    k = kernel(
        store("tile", THREAD, value=1, site=0),
        when(compare("==", THREAD, 2), leave_kernel(1)),
        barrier(2),
        barrier(3),
        load(x, "tile", 2, site=4),
        arrays=(scratch("tile", 4),),
    )
    (failure,) = run(k, launch(4)).failures
    assert isinstance(failure, HarmfulExit)
    assert (failure.barrier.site, failure.barrier.thread) == (2, (0, 0, 0))
    assert (failure.access.site, failure.access.index) == (4, (2,))
    assert failure.other is not None
    assert (failure.other.site, failure.other.thread) == (0, (2, 0, 0))
    assert failure.exit.thread == (2, 0, 0)


def test_what_a_thread_did_before_the_barrier_it_passed_is_ordered():
    k = kernel(
        store("tile", THREAD, value=1, site=0),
        barrier(1),
        when(compare("==", THREAD, 2), leave_kernel(2)),
        barrier(3),
        load(x, "tile", 2, site=4),
        arrays=(scratch("tile", 4),),
    )
    assert run(k, launch(4)).succeeded


def test_barriers_in_nested_loops():
    k = kernel(
        store("tile", THREAD, value=THREAD, site=9),
        barrier(0),
        loop(
            i, 0, 3,
            loop(
                n, 0, i,
                load(x, "tile", binary("%", add(THREAD, 1), 4), site=1),
                barrier(2),
                store("tile", THREAD, value=add(x, 1), site=3),
                barrier(4),
            ),
        ),
        load(x, "tile", THREAD, site=5),
        store("out", THREAD, value=x, site=6),
        arrays=(out, scratch("tile", 4)),
    )  # fmt: skip
    outcome = run(k, launch(4, 1, out=[0] * 4))
    assert outcome.succeeded
    assert outcome.arrays["out"].values == tuple((k + 3) % 4 + 3 for k in range(4))


# ---------------------------------------------------------------- control flow


def test_break_continue_and_the_variable_after_a_loop():
    k = kernel(
        assign(n, 0),
        loop(
            i, 0, 10,
            when(compare("==", i, 2), ir.Continue(at())),
            when(compare("==", i, 5), ir.Break(at())),
            assign(n, add(n, i)),
            assign(i, 100),
        ),
        store("out", 0, value=n, site=0),
        store("out", 1, value=i, site=1),
        arrays=(out,),
    )  # fmt: skip
    outcome = run(k, launch(1, 1, out=[0, 0]))
    assert outcome.arrays["out"].values == (0 + 1 + 3 + 4, 5)


def test_bounds_of_a_loop_are_evaluated_once():
    k = kernel(
        assign(n, 3),
        loop(i, 0, n, assign(n, add(n, 1))),
        store("out", 0, value=n, site=0),
        arrays=(out,),
    )
    assert run(k, launch(1, 1, out=[0])).arrays["out"].values == (6,)


def test_loops_may_count_down():
    k = kernel(
        loop(i, 3, -1, store("out", binary("-", 3, i), value=i, site=0), step=-1), arrays=(out,)
    )
    assert run(k, launch(1, 1, out=[9] * 4)).arrays["out"].values == (3, 2, 1, 0)


def test_a_loop_header_runs_before_each_test():
    k = kernel(
        assign(n, 0),
        repeat(compare("<", x, 4), header=(assign(n, add(n, 1)), assign(x, mul(n, 2)))),
        store("out", 0, value=n, site=0),
        arrays=(out,),
    )
    assert run(k, launch(1, 1, out=[0])).arrays["out"].values == (2,)


def test_leave_ends_its_region_from_within_loops_and_regions():
    k = kernel(
        inline(
            1,
            loop(
                i, 0, 10,
                repeat(
                    compare(">=", i, 0),
                    inline(
                        2,
                        when(compare("==", i, 3), leave(1)),
                        when(compare("<", i, 2), leave(2)),
                        store("out", i, value=1, site=0),
                    ),
                    ir.Break(at()),
                ),
            ),
            store("out", 9, value=1, site=1),
        ),
        store("out", 8, value=1, site=2),
        arrays=(out,),
    )  # fmt: skip
    outcome = run(k, launch(1, 1, out=[0] * 10))
    assert [k for k, v in enumerate(outcome.arrays["out"].values) if v] == [2, 8]
    assert outcome.succeeded


def test_values_assigned_on_every_way_out_of_a_region_are_assigned():
    k = kernel(
        inline(1, when(compare("==", THREAD, 0), assign(x, 1), leave(1)), assign(x, 2)),
        store("out", THREAD, value=x, site=0),
        arrays=(out,),
    )
    outcome = run(k, launch(2, 1, out=[0, 0]))
    assert outcome.succeeded
    assert outcome.arrays["out"].values == (1, 2)


def test_barriers_in_regions_are_told_apart_by_their_call():
    k = kernel(
        inline(1, barrier(0)),
        when(compare("==", THREAD, 0), inline(2, barrier(1)), otherwise=(inline(3, barrier(2)),)),
    )
    assert kinds(run(k, launch(2))) == [Divergence]
    assert run(k, launch(1)).succeeded


def test_long_chains_of_alternatives():
    statement = store("out", THREAD, value=-1, site=1000)
    for case in reversed(range(200)):
        statement = when(
            compare("==", THREAD, case),
            store("out", THREAD, value=case, site=case),
            otherwise=(statement,),
        )
    outcome = run(kernel(statement, arrays=(out,)), launch(201, 1, out=[0] * 201))
    assert outcome.arrays["out"].values == (*range(200), -1)


def test_deeper_than_python_nests():
    body = store("out", 0, value=1, site=0)
    for depth in range(25):
        body = loop(local(f"i{depth}"), 0, 1, body)
    with pytest.raises(ValueError, match="nested too deeply"):
        run(kernel(body, arrays=(out,)), launch(1, out=[0]))


# ---------------------------------------------------------------- the launch


def test_registers_of_all_axes():
    names = ["thread", "block", "block_dim", "grid_dim"]
    code = expr(0)
    for register in names:
        for axis in range(3):
            code = add(mul(code, 8), ir.Special(ir.Register(register), axis, at()))
    number = ir.Special(ir.Register.THREAD, 0, at())
    guard = compare("==", number, 1)
    k = kernel(when(guard, atomic_add(x, "out", 0, value=code, site=0)), arrays=(out,))
    L = Launch((1, 2, 1), (2, 1, 3), {}, {"out": Contents((1,), (0,))})
    outcome = run(k, L)
    expected = 0
    for y_block in range(2):
        for z in range(3):
            value = 0
            for digit in (1, 0, z, 0, y_block, 0, 2, 1, 3, 1, 2, 1):
                value = value * 8 + digit
            expected += value
    assert outcome.arrays["out"].values == (I64.wrap(expected),)
    assert outcome.executed(0) == {((0, b, 0), (1, 0, z)) for b in range(2) for z in range(3)}


def test_scalars_have_the_type_of_their_parameter():
    scale = ir.Param("scale", F32, at())
    k = kernel(
        store("out", 0, value=ir.Convert(scale, F32, at()), site=0),
        arrays=(slice_of("out", F32),),
        scale=F32,
    )
    outcome = run(k, launch(1, scalars={"scale": 0.1}, out=[0.0]))
    assert outcome.arrays["out"].values == (0.10000000149011612,)
    with pytest.raises(ValueError, match="no value for `scale`"):
        run(k, launch(1, out=[0.0]))


@pytest.mark.parametrize(("type", "value"), [(I32, 2**31), (U32, -1), (BOOL, 2)], ids=str)
def test_contents_outside_their_type(type, value):
    k = kernel(arrays=(slice_of("out", type),))
    if type is BOOL:
        assert run(k, launch(1, out=[value])).arrays["out"].values == (True,)
    else:
        with pytest.raises(ValueError, match="no value of"):
            run(k, launch(1, out=[value]))


def test_a_missing_array_and_a_wrong_rank():
    k = kernel(arrays=(slice_of("out", rank=2),))
    with pytest.raises(ValueError, match="no 2-D array for `out`"):
        run(k, launch(1))
    with pytest.raises(ValueError, match="no 2-D array for `out`"):
        run(k, launch(1, out=[1]))


def test_symbols_are_refused():
    k = kernel(assign(x, ir.Symbol("N", I64, at())))
    with pytest.raises(ValueError, match="`N` has no value"):
        run(k, launch(1))


def test_shapes_of_scratch_arrays_are_computed():
    tile = ir.Array(
        "tile", I64, (mul(2, 3), add(1, 1)), ir.Space.SHARED, ir.Ownership.SCRATCH, at()
    )
    k = kernel(store("tile", 5, 1, value=1, site=0), store("tile", 6, 0, value=1, site=1),
               arrays=(tile,))  # fmt: skip
    (failure,) = run(k, launch(1)).failures
    assert (failure.event.site, failure.length) == (1, 6)


# ---------------------------------------------------------------- limits


def test_endless_loops_end_by_the_budget():
    k = kernel(repeat(compare("==", THREAD, 0)))
    outcome = run(k, launch(1), budget=1000)
    assert outcome.exhausted
    assert not outcome.succeeded
    assert outcome.steps == 1000


def test_failures_found_before_the_budget_ends_are_kept():
    k = kernel(
        assign(n, 5), load(x, "out", n, site=0), repeat(compare("==", THREAD, 0)), arrays=(out,)
    )
    outcome = run(k, launch(1, out=[1]), budget=1000)
    assert outcome.exhausted
    assert outcome.failures[0].event.values == {"n": 5}


def test_the_limit_of_failures():
    k = kernel(load(x, "out", 5, site=0), load(x, "out", 6, site=1), arrays=(out,))
    outcome = run(k, launch(1, out=[1]), failures_limit=1)
    assert outcome.limited
    assert len(outcome.failures) == 1
    assert not run(k, launch(1, out=[1])).limited


def test_a_thread_that_spins_on_an_atomic_does_not_starve_the_others():
    k = kernel(
        when(
            compare("==", THREAD, 0),
            assign(x, 0),
            repeat(compare("==", x, 0), atomic_add(x, "out", 0, value=0, site=0)),
            otherwise=(atomic_add(x, "out", 0, value=1, site=1),),
        ),
        arrays=(out,),
    )
    assert run(k, launch(2, out=[0]), budget=1000).succeeded


@pytest.mark.parametrize(("order", "ordered"), [("acq_rel", True), ("relaxed", False)])
@pytest.mark.parametrize("blocks", [1, 3])
def test_a_release_that_an_acquire_reads_orders(order, ordered, blocks):
    last = mul(ir.Special(ir.Register.GRID_DIM, 0, at()), 4)
    k = kernel(
        store("part", INDEX, value=1, site=0),
        atomic_add(x, "count", 0, value=1, site=1, order=order),
        when(
            compare("==", add(x, 1), last),
            loop(i, 0, last, load(y, "part", i, site=2)),
        ),
        arrays=(slice_of("part"), slice_of("count")),
    )
    outcome = run(k, launch(4, blocks, part=[0] * 12, count=[0]))
    assert outcome.succeeded is ordered


def test_a_release_of_block_scope_reaches_its_block_only():
    last = mul(ir.Special(ir.Register.GRID_DIM, 0, at()), 2)
    k = kernel(
        store("part", INDEX, value=1, site=0),
        atomic_add(x, "count", BLOCK, value=1, site=1, order="acq_rel", scope="block"),
        atomic_add(y, "count", 2, value=1, site=3),
        when(compare("==", add(y, 1), last), load(x, "part", 0, site=2)),
        arrays=(slice_of("part"), slice_of("count")),
    )
    assert run(k, launch(2, 1, part=[0] * 4, count=[0] * 3)).succeeded
    assert kinds(run(k, launch(2, 2, part=[0] * 4, count=[0] * 3))) == [Race]


def test_barriers_order_where_atomics_do_as_well():
    k = kernel(
        atomic_add(x, "count", 0, value=1, site=0, order="acq_rel"),
        store("tile", THREAD, value=1, site=1),
        barrier(2),
        load(x, "tile", binary("-", 3, THREAD), site=3),
        when(compare("==", THREAD, 1), leave_kernel(4)),
        barrier(5),
        store("tile", 2, value=1, site=6),
        arrays=(slice_of("count"), scratch("tile", 4)),
    )
    outcome = run(k, launch(4, 1, count=[0]))
    exits = [f for f in outcome.failures if isinstance(f, HarmfulExit)]
    assert [(f.access.site, f.other.site) for f in exits] == [(6, 3)]
    assert {sites(f) for f in outcome.failures if isinstance(f, Race)} == {(6, 6)}


def test_translations_die_with_their_kernels():
    k = kernel(arrays=(out,))
    run(k, launch(1, out=[1]))
    seen = weakref.ref(k)
    del k
    gc.collect()
    assert seen() is None
