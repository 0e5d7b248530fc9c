"""Who comes where: what a run says of it, without the rest of the run."""

from interpreter.building import (
    BLOCK,
    INDEX,
    THREAD,
    add,
    barrier,
    compare,
    dim,
    kernel,
    launch,
    load,
    local,
    loop,
    slice_of,
    store,
    when,
)
from oxide_analyzer.interpreter import Race, run, sites, visited

i, x = local("i"), local("%x")
out = slice_of("out")


def counted(kernel, given, wanted):
    """How many threads of a block come to a site."""
    visits, steps = visited(kernel, given, wanted)
    size = given.block[0]
    found = {(site, b): sum(t // size == b for t in visits[site]) for site, b in wanted}
    return found, steps


def test_threads_come_where_they_come_in_a_whole_run():
    body = (
        load(x, "out", 0, site=1),
        when(compare("<", INDEX, 3), store("out", 0, value=THREAD, site=2)),
        barrier(3),
        when(compare("==", BLOCK, 1), store("out", INDEX, value=x, site=4)),
    )
    racing = kernel(*body, arrays=(out,))
    given = launch(grid=3, block=4, out=[0] * 12)
    outcome = run(racing, given)
    assert any(isinstance(failure, Race) for failure in outcome.failures)
    assert set(sites(racing)) == {1, 2, 3, 4}
    more = {(site, block): 5 for site in sites(racing) for block in (0, 1)}
    found, steps = counted(racing, given, more)
    whole = {(s, b): sum(t // 4 == b for t in outcome.visits[s]) for s, b in more}
    assert found == whole
    # The third block is not asked for.
    assert steps < outcome.steps


def test_a_block_ends_when_enough_threads_came():
    body = loop(i, 0, dim("out"), store("out", i, value=THREAD, site=1))
    long = kernel(body, store("out", add(THREAD, BLOCK), value=1, site=2), arrays=(out,))
    given = launch(grid=2, block=64, out=[0] * 80)
    found, steps = counted(long, given, {(1, 0): 2, (1, 1): 1, (2, 1): 3})
    assert found == {(1, 0): 2, (1, 1): 3, (2, 1): 3}
    assert steps < run(long, given, failures_limit=10**6).steps // 10


def test_at_barriers_all_that_are_left_come_along():
    meeting = kernel(
        store("out", INDEX, value=1, site=1),
        barrier(2),
        store("out", INDEX, value=2, site=3),
        arrays=(out,),
    )
    given = launch(grid=2, block=8, out=[0] * 16)
    assert counted(meeting, given, {(1, 1): 2, (3, 0): 0})[0] == {(1, 1): 8, (3, 0): 0}


def test_so_many_failures_as_end_any_run_end_this_one():
    failing = [store("out", 99, value=1, site=site) for site in range(1, 80)]
    hopeless = kernel(*failing, arrays=(out,))
    given = launch(grid=2, block=2, out=[0])
    visits, _ = visited(hopeless, given, {(site, 0): 2 for site in sites(hopeless)})
    assert {site for site in visits if visits[site]} == set(range(1, 65))
    assert run(hopeless, given).limited
