"""Schedules: they can be repeated, they differ where order matters, they starve nobody."""

import pytest

from interpreter.building import (
    BLOCK,
    INDEX,
    THREAD,
    add,
    assign,
    atomic,
    barrier,
    compare,
    kernel,
    launch,
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
from oxide_analyzer.interpreter import Named, OutOfBounds, Race, run

x, y, i, seen = local("x"), local("y"), local("i"), local("seen")
out, count = slice_of("out"), slice_of("count")
SCHEDULES = [*Named, 0, 1, 2, 3]


def tickets():
    return kernel(
        atomic("add", x, "count", 0, 1, site=0),
        store("out", INDEX, value=x, site=1),
        arrays=(count, out),
    )


def test_a_schedule_can_be_repeated():
    given = launch(40, 3, count=[0], out=[0] * 120)
    for schedule in SCHEDULES:
        first, again = (run(tickets(), given, schedule=schedule) for _ in range(2))
        assert first.succeeded
        assert first.arrays["out"].values == again.arrays["out"].values
        assert sorted(first.arrays["out"].values) == list(range(120))


def test_schedules_differ_where_the_order_of_atomics_shows():
    given = launch(40, 3, count=[0], out=[0] * 120)
    orders = {run(tickets(), given, schedule=s).arrays["out"].values for s in SCHEDULES}
    assert len(orders) >= 6
    assert run(tickets(), given).arrays["out"].values == tuple(range(120))
    backwards = run(tickets(), given, schedule=Named.REVERSE).arrays["out"].values
    assert backwards == tuple(range(119, -1, -1))


def test_what_leans_on_an_order_of_atomics_is_caught():
    # Thread k draws the number k only if the threads come in their order.
    k = kernel(
        atomic("add", x, "count", 0, 1, site=0),
        when(compare("!=", x, INDEX), store("out", 99, value=1, site=1)),
        arrays=(count, out),
    )
    given = launch(4, 2, count=[0], out=[0])
    assert run(k, given).succeeded
    for schedule in (Named.REVERSE, 0, 1):
        outcome = run(k, given, schedule=schedule)
        assert [type(f) for f in outcome.failures] == [OutOfBounds]
        assert outcome.failures[0].clean


def test_threads_are_interrupted_between_the_steps_of_an_update():
    # Each adds 1 in two steps: updates get lost only where a thread comes between them.
    k = kernel(
        atomic("load", x, "count", 0, site=0),
        atomic("store", None, "count", 0, add(x, 1), site=1),
        arrays=(count,),
    )
    given = launch(8, 2, count=[0])
    assert run(k, given).arrays["count"].values == (16,)
    for schedule in (Named.ROUND_ROBIN, Named.WARPS, 0, 1, 2):
        outcome = run(k, given, schedule=schedule)
        assert outcome.succeeded
        assert outcome.arrays["count"].values[0] < 16, schedule


@pytest.mark.parametrize("schedule", SCHEDULES, ids=str)
@pytest.mark.parametrize("waiting", [0, 2])
def test_who_spins_starves_nobody(schedule, waiting):
    watch = atomic("load", seen, "count", 0, site=0)
    k = kernel(
        assign(seen, 0),
        when(
            compare("==", BLOCK, waiting),
            repeat(compare("==", seen, 0), watch),
            otherwise=(atomic("add", x, "count", 0, 1, site=1),),
        ),
        arrays=(count,),
    )
    outcome = run(k, launch(3, 3, count=[0]), schedule=schedule, budget=5_000)
    assert outcome.succeeded


def test_a_wait_that_never_ends_ends_by_the_budget():
    k = kernel(
        assign(seen, 0),
        repeat(compare("==", seen, 0), atomic("load", seen, "count", 0, site=0)),
        arrays=(count,),
    )
    for schedule in SCHEDULES:
        assert run(k, launch(2, 2, count=[0]), schedule=schedule, budget=2_000).exhausted


@pytest.mark.parametrize("schedule", SCHEDULES, ids=str)
def test_races_are_found_in_any_order(schedule):
    k = kernel(
        store("tile", THREAD, value=THREAD, site=0),
        atomic("add", y, "count", 0, 1, site=3),
        when(compare("==", THREAD, 3), load(x, "tile", 0, site=1)),
        barrier(2),
        arrays=(scratch("tile", 4), count),
    )
    outcome = run(k, launch(4, 2, count=[0]), schedule=schedule)
    assert [type(f) for f in outcome.failures] == [Race]
    assert {outcome.failures[0].first.site, outcome.failures[0].second.site} == {0, 1}


@pytest.mark.parametrize("schedule", SCHEDULES, ids=str)
def test_barriers_warps_and_blocks_work_under_any_schedule(schedule):
    got = local("%r")
    k = kernel(
        atomic("add", y, "count", 0, 1, site=0),
        store("tile", THREAD, value=THREAD, site=1),
        loop(
            i, 0, 3,
            barrier(2),
            load(x, "tile", THREAD, site=3),
            warp("reduce_add", got, x, site=4),
            barrier(5),
            store("tile", THREAD, value=got, site=6),
        ),
        barrier(7),
        when(
            compare("==", THREAD, 0),
            load(x, "tile", 39, site=8),
            store("out", BLOCK, value=x, site=9),
        ),
        arrays=(count, out, scratch("tile", 40)),
    )  # fmt: skip
    outcome = run(k, launch(40, 2, count=[0], out=[0, 0]), schedule=schedule)
    assert outcome.succeeded
    assert outcome.arrays["out"].values == (sum(range(32, 40)) * 64,) * 2


@pytest.mark.parametrize("schedule", SCHEDULES, ids=str)
def test_witnesses_show_the_locals_of_their_moment(schedule):
    k = kernel(
        assign(x, add(THREAD, 10)),
        atomic("add", y, "count", 0, 1, site=0),
        when(compare("==", THREAD, 2), load(seen, "count", add(x, 0), site=1)),
        arrays=(count,),
    )
    (failure,) = run(k, launch(4, 1, count=[0]), schedule=schedule).failures
    assert failure.event.values["x"] == 12
