"""What orders two accesses: grids, fences, releases and their scopes; and what does not."""

import pytest

from interpreter.building import (
    BLOCK,
    GRID_DIM,
    INDEX,
    THREAD,
    add,
    assign,
    atomic,
    barrier,
    binary,
    compare,
    fence,
    grid_barrier,
    kernel,
    launch,
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
from oxide_analyzer.interpreter import Divergence, HarmfulExit, Named, Race, run

x, y, i, seen = local("x"), local("y"), local("i"), local("seen")
data, flag, out = slice_of("data"), slice_of("flag"), slice_of("out")
SCHEDULES = [*Named, 0, 1, 2]


def kinds(outcome):
    return [type(failure) for failure in outcome.failures]


def sites(failure):
    return failure.first.site, failure.second.site


def handover(publish, consume, *, spin=True, wait=None, between=()):
    """Block 0 writes `data[0]` and raises the flag; block 1 waits for it and reads."""
    waiting = atomic("load", seen, "flag", 0, site=3, **(wait or {}))
    watch = (assign(seen, 0), repeat(compare("==", seen, 0), waiting)) if spin else (waiting,)
    return kernel(
        when(
            compare("==", BLOCK, 0),
            store("data", 0, value=7, site=0),
            *publish,
            otherwise=(
                *watch,
                *consume,
                when(compare("==", seen, 1), load(x, "data", 0, site=9)),
                *between,
            ),
        ),
        arrays=(data, flag),
    )


def raise_flag(order="relaxed", scope="device", op="store"):
    target = None if op == "store" else y
    return atomic(op, target, "flag", 0, 1, site=1, order=order, scope=scope)


LAUNCH = launch(1, 2, data=[0], flag=[0])


@pytest.mark.parametrize("schedule", SCHEDULES, ids=str)
@pytest.mark.parametrize(("publish", "consume", "wait", "ordered"), [
    ((raise_flag("release"),), (), {"order": "acquire"}, True),
    ((raise_flag("release"),), (fence(4),), {}, True),
    ((fence(2), raise_flag()), (), {"order": "acquire"}, True),
    ((fence(2), raise_flag()), (fence(4),), {}, True),
    ((fence(2), raise_flag(op="add")), (fence(4),), {}, True),
    ((raise_flag(), fence(2)), (fence(4),), {}, False),
    ((raise_flag(),), (fence(4),), {}, False),
    ((raise_flag("release"),), (), {}, False),
    ((raise_flag(),), (), {"order": "acquire"}, False),
    ((fence(2, "block"), raise_flag()), (fence(4),), {}, False),
    ((fence(2), raise_flag()), (fence(4, "block"),), {}, False),
    ((fence(2, "cluster"), raise_flag()), (fence(4),), {}, False),
    ((fence(2, "system"), raise_flag("relaxed", "system")), (fence(4),), {}, True),
], ids=str)  # fmt: skip
def test_publishing_and_consuming(publish, consume, wait, ordered, schedule):
    outcome = run(handover(publish, consume, wait=wait), LAUNCH, schedule=schedule)
    assert not outcome.exhausted
    assert kinds(outcome) == ([] if ordered else [Race])


@pytest.mark.parametrize("narrow", ["publisher", "consumer"])
def test_a_scope_that_does_not_cover_both_orders_nothing(narrow):
    publish = (raise_flag("release", "block" if narrow == "publisher" else "device"),)
    wait = {"order": "acquire", "scope": "block" if narrow == "consumer" else "device"}
    races = run(handover(publish, (), wait=wait), LAUNCH).failures
    assert {sites(race) for race in races} >= {(0, 9)}
    # The atomics themselves do not protect from each other either.
    assert {frozenset(sites(race)) for race in races} == {frozenset((1, 3)), frozenset((0, 9))}


def test_within_a_block_its_scope_is_enough():
    k = kernel(
        when(
            compare("==", THREAD, 0),
            store("data", 0, value=7, site=0),
            atomic("store", None, "flag", 0, 1, site=1, order="release", scope="block"),
            otherwise=(
                assign(seen, 0),
                repeat(
                    compare("==", seen, 0),
                    atomic("load", seen, "flag", 0, site=2, order="acquire", scope="block"),
                ),
                load(x, "data", 0, site=3),
            ),
        ),
        arrays=(data, flag),
    )
    for schedule in SCHEDULES:
        assert run(k, launch(3, data=[0], flag=[0]), schedule=schedule).succeeded


def relay(op):
    """Block 0 releases, block 1 changes the flag, block 2 acquires what block 1 wrote."""
    wait = repeat(
        compare("<", seen, BLOCK), atomic("load", seen, "flag", 0, site=2, order="relaxed")
    )
    final = atomic("load", y, "flag", 0, site=5, order="acquire")
    passes_on = atomic(op, None if op == "store" else y, "flag", 0, 2, site=3)
    return kernel(
        assign(seen, 0),
        when(
            compare("==", BLOCK, 0),
            store("data", 0, value=7, site=0),
            atomic("store", None, "flag", 0, 1, site=1, order="release"),
            otherwise=(wait, when(compare("==", BLOCK, 1), passes_on)),
        ),
        when(compare("==", BLOCK, 2), final, load(x, "data", 0, site=6)),
        arrays=(data, flag),
    )


@pytest.mark.parametrize(("op", "ordered"), [("exchange", True), ("store", False)])
def test_read_modify_writes_pass_a_release_on_and_stores_cut_it(op, ordered):
    outcome = run(relay(op), launch(1, 3, data=[0], flag=[0]))
    assert kinds(outcome) == ([] if ordered else [Race])


def test_order_is_transitive():
    k = kernel(
        when(compare("==", INDEX, 0), store("data", 0, value=7, site=0)),
        barrier(1),
        when(
            compare("==", BLOCK, 0),
            when(
                compare("==", THREAD, 1),
                atomic("store", None, "flag", 0, 1, site=2, order="release"),
            ),
            otherwise=(
                when(
                    compare("==", THREAD, 0),
                    assign(seen, 0),
                    repeat(
                        compare("==", seen, 0),
                        atomic("load", seen, "flag", 0, site=3, order="acquire"),
                    ),
                ),
                barrier(4),
                when(compare("==", THREAD, 1), load(x, "data", 0, site=5)),
            ),
        ),
        arrays=(data, flag),
    )
    for schedule in SCHEDULES:
        assert run(k, launch(2, 2, data=[0], flag=[0]), schedule=schedule).succeeded


def test_who_fails_to_exchange_releases_nothing():
    def body(expected):
        exchange = atomic(
            "compare_exchange", y, "flag", 0, 1, site=1, compare=expected, order="release"
        )
        return kernel(
            when(
                compare("==", BLOCK, 0),
                store("data", 0, value=7, site=0),
                exchange,
                atomic("store", None, "out", 0, 1, site=2),
                otherwise=(
                    assign(seen, 0),
                    repeat(compare("==", seen, 0), atomic("load", seen, "out", 0, site=3)),
                    atomic("load", y, "flag", 0, site=4, order="acquire"),
                    load(x, "data", 0, site=5),
                ),
            ),
            arrays=(data, flag, out),
        )

    given = launch(1, 2, data=[0], flag=[0], out=[0])
    assert run(body(0), given).succeeded
    assert kinds(run(body(3), given)) == [Race]


def test_a_lock_of_exchanges_orders_what_it_guards():
    locked = local("locked")
    k = kernel(
        assign(locked, 1),
        repeat(
            compare("==", locked, 1),
            atomic("exchange", locked, "flag", 0, 1, site=0, order="acquire"),
        ),
        load(x, "data", 0, site=1),
        store("data", 0, value=add(x, 1), site=2),
        atomic("store", None, "flag", 0, 0, site=3, order="release"),
        arrays=(data, flag),
    )
    for schedule in SCHEDULES:
        outcome = run(k, launch(3, 4, data=[0], flag=[0]), schedule=schedule, budget=50_000)
        assert outcome.succeeded, schedule
        assert outcome.arrays["data"].values == (12,)


# ---------------------------------------------------------------- grids


def shifted(between, *, reads=None):
    whole = mul(GRID_DIM, 4)
    other = reads or binary("-", binary("-", whole, 1), INDEX)
    return kernel(
        store("data", INDEX, value=INDEX, site=0),
        between,
        load(x, "data", other, site=2),
        store("out", INDEX, value=x, site=3),
        arrays=(data, out),
    )


@pytest.mark.parametrize("schedule", SCHEDULES, ids=str)
def test_grid_sync_orders_the_grid(schedule):
    outcome = run(
        shifted(grid_barrier(1)), launch(4, 3, data=[0] * 12, out=[0] * 12), schedule=schedule
    )
    assert outcome.succeeded
    assert outcome.arrays["out"].values == tuple(range(11, -1, -1))


def test_sync_threads_does_not():
    outcome = run(shifted(barrier(1)), launch(4, 3, data=[0] * 12, out=[0] * 12))
    assert kinds(outcome) == [Race]


def test_shared_memory_is_each_blocks_own_where_blocks_run_at_once():
    k = kernel(
        store("tile", THREAD, value=INDEX, site=0),
        grid_barrier(1),
        load(x, "tile", binary("-", 3, THREAD), site=2),
        store("out", INDEX, value=x, site=3),
        arrays=(scratch("tile", 4), out),
    )
    outcome = run(k, launch(4, 2, out=[0] * 8))
    assert outcome.succeeded
    assert outcome.arrays["out"].values == (3, 2, 1, 0, 7, 6, 5, 4)
    short = kernel(*k.body, arrays=(scratch("tile", 3), out))
    races = run(short, launch(4, 2, out=[0] * 8)).failures
    assert {f.event.index for f in races} == {(3,)}


def test_grid_sync_in_loops_and_between_barriers():
    k = kernel(
        loop(
            i, 0, 3,
            load(x, "data", binary("%", add(INDEX, 1), mul(GRID_DIM, 4)), site=0),
            grid_barrier(1),
            store("data", INDEX, value=add(x, 1), site=2),
            barrier(3),
            grid_barrier(4),
        ),
        arrays=(data,),
    )  # fmt: skip
    outcome = run(k, launch(4, 2, data=list(range(8))))
    assert outcome.succeeded
    assert outcome.arrays["data"].values == tuple((k + 3) % 8 + 3 for k in range(8))


def test_a_grid_barrier_that_a_block_skips_diverges():
    k = kernel(when(compare("==", BLOCK, 0), grid_barrier(0)))
    (failure,) = run(k, launch(2, 2)).failures
    assert isinstance(failure, Divergence)
    assert failure.waiting.block == (0, 0, 0)
    assert (failure.other.site, failure.other.block) == (None, (1, 0, 0))


def test_blocks_at_two_grid_barriers_do_not_meet():
    k = kernel(when(compare("==", BLOCK, 0), grid_barrier(0), otherwise=(grid_barrier(1),)))
    (failure,) = run(k, launch(2, 2)).failures
    assert isinstance(failure, Divergence)
    assert (failure.waiting.site, failure.other.site) == (0, 1)


def test_a_block_and_its_grid_do_not_meet():
    k = kernel(when(compare("==", THREAD, 0), grid_barrier(0), otherwise=(barrier(1),)))
    assert kinds(run(k, launch(2, 2))) == [Divergence]


def test_blocks_that_returned_count_as_arrived():
    k = kernel(
        when(compare("==", BLOCK, 1), leave_kernel(0)),
        grid_barrier(1),
        when(compare("==", INDEX, 0), store("out", 0, value=1, site=2)),
        arrays=(out,),
    )
    outcome = run(k, launch(2, 2, out=[0]))
    assert outcome.succeeded
    assert outcome.arrays["out"].values == (1,)


def test_an_exit_before_a_grid_barrier_is_harmful_across_blocks():
    k = kernel(
        store("data", INDEX, value=1, site=0),
        when(compare("==", BLOCK, 1), leave_kernel(1)),
        grid_barrier(2),
        load(x, "data", 3, site=3),
        arrays=(data,),
    )
    (failure,) = run(k, launch(2, 2, data=[0] * 4)).failures
    assert isinstance(failure, HarmfulExit)
    assert (failure.exit.site, failure.barrier.site, failure.access.site) == (1, 2, 3)
    assert failure.exit.block != failure.access.block
