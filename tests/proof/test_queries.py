"""Queries of ordinary kernels: the first prover proves the safe ones, the last finds the flaws."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from oxide_analyzer.facts.conditions import Condition, all_of, any_of, at_most, equal, less, negate
from oxide_analyzer.facts.polys import Level, Poly, constant
from oxide_analyzer.facts.terms import Terms
from oxide_analyzer.proof.affine import refutes
from oxide_analyzer.proof.models import holds
from oxide_analyzer.proof.powers import power_condition
from oxide_analyzer.proof.smt import Contradiction, Model, decide
from proof.launches import Launch, outside

Query = tuple[Terms, list[Condition]]


def vecadd_blocks() -> Query:
    launch = Launch()
    i = launch.global_index()
    return launch.terms, launch.between_blocks(i, i, [less(i, launch.length("a"))])


def vecadd_threads() -> Query:
    launch = Launch()
    i = launch.global_index()
    return launch.terms, launch.within_block(i, i, [less(i, launch.length("a"))])


def vecadd_neighbour() -> Query:
    launch = Launch()
    i = launch.global_index()
    return launch.terms, launch.between_blocks(i, i.shift(1), [less(i, launch.length("a"))])


def vecadd_bounds() -> Query:
    launch = Launch()
    i, n = launch.global_index(), launch.length("a")
    return launch.terms, [less(i, n), outside(i, n)]


def vecadd_unguarded() -> Query:
    launch = Launch()
    i, n = launch.global_index(), launch.length("a")
    return launch.terms, [outside(i, n)]


def pairs() -> Query:
    launch = Launch()
    i = launch.global_index()
    return launch.terms, launch.between_blocks(i.scale(2), i.scale(2).shift(1), [])


def pairs_overlap() -> Query:
    launch = Launch()
    i = launch.global_index()
    return launch.terms, launch.between_blocks(i.scale(2), i.scale(2).shift(2), [])


def grid_stride() -> Query:
    launch = Launch()
    step = launch.terms.multiply(launch.block_dim(), launch.grid_dim())
    k = launch.private("k")
    i = launch.global_index() + launch.terms.multiply(k, step)
    return launch.terms, launch.between_blocks(i, i, [less(i, launch.length("a"))])


def grid_stride_named() -> Query:
    """The index as one variable that an equation defines."""
    launch = Launch()
    step = launch.terms.multiply(launch.block_dim(), launch.grid_dim())
    k, i = launch.private("k"), launch.private("i", 0)
    launch.terms.axiom(i, equal(i, launch.global_index() + launch.terms.multiply(k, step)))
    return launch.terms, launch.between_blocks(i, i, [less(i, launch.length("a"))])


def grid_stride_within() -> Query:
    launch = Launch()
    step = launch.terms.multiply(launch.block_dim(), launch.grid_dim())
    k = launch.private("k")
    i = launch.global_index() + launch.terms.multiply(k, step)
    return launch.terms, launch.within_block(i, i, [less(i, launch.length("a"))])


def block_stride() -> Query:
    """Each step is one block only, so blocks overtake each other."""
    launch = Launch()
    k = launch.private("k")
    i = launch.global_index() + launch.terms.multiply(k, launch.block_dim())
    return launch.terms, launch.between_blocks(i, i, [less(i, launch.length("a"))])


def _matrix(launch: Launch) -> tuple[object, ...]:
    height, width = launch.scalar("h", 0), launch.scalar("w", 0)
    row, col = launch.global_index(1), launch.global_index(0)
    index = launch.terms.multiply(row, width) + col
    return height, width, row, col, index


def matrix_blocks() -> Query:
    launch = Launch()
    height, width, row, col, index = _matrix(launch)
    guard = [less(row, height), less(col, width)]
    return launch.terms, launch.between_blocks(index, index, guard, axes=2)


def matrix_threads() -> Query:
    launch = Launch()
    height, width, row, col, index = _matrix(launch)
    guard = [less(row, height), less(col, width)]
    return launch.terms, launch.within_block(index, index, guard, axes=2)


def matrix_without_column_guard() -> Query:
    launch = Launch()
    height, _, row, _, index = _matrix(launch)
    return launch.terms, launch.between_blocks(index, index, [less(row, height)], axes=2)


def matrix_bounds() -> Query:
    launch = Launch()
    height, width, row, col, index = _matrix(launch)
    n = launch.length("a")
    guard = [less(row, height), less(col, width)]
    guard.append(at_most(launch.terms.multiply(height, width), n))
    return launch.terms, [*guard, outside(index, n)]


def matrix_bounds_transposed() -> Query:
    launch = Launch()
    height, width, row, col, _ = _matrix(launch)
    n = launch.length("a")
    guard = [less(row, height), less(col, width)]
    guard.append(at_most(launch.terms.multiply(height, width), n))
    return launch.terms, [*guard, outside(launch.terms.multiply(col, width) + row, n)]


def stencil_bounds() -> Query:
    launch = Launch()
    height, width, row, col, _ = _matrix(launch)
    n = launch.length("a")
    guard = [at_most(constant(1), row), less(row.shift(1), height), less(col, width)]
    guard.append(at_most(launch.terms.multiply(height, width), n))
    above = launch.terms.multiply(row.shift(-1), width) + col
    below = launch.terms.multiply(row.shift(1), width) + col
    return launch.terms, [*guard, any_of((outside(above, n), outside(below, n)))]


def stencil_bounds_open() -> Query:
    launch = Launch()
    height, width, row, col, _ = _matrix(launch)
    n = launch.length("a")
    guard = [less(row, height), less(col, width)]
    guard.append(at_most(launch.terms.multiply(height, width), n))
    below = launch.terms.multiply(row.shift(1), width) + col
    return launch.terms, [*guard, outside(below, n)]


def _volume(launch: Launch) -> tuple[list[Condition], object, object]:
    depth, height, width = (launch.scalar(s, 0) for s in ("d", "h", "w"))
    z, y, x = (launch.global_index(a) for a in (2, 1, 0))
    terms = launch.terms
    index = terms.multiply(terms.multiply(z, height) + y, width) + x
    size = terms.multiply(terms.multiply(depth, height), width)
    return [less(z, depth), less(y, height), less(x, width)], index, size


def volume_blocks() -> Query:
    launch = Launch()
    guard, index, _ = _volume(launch)
    return launch.terms, launch.between_blocks(index, index, guard, axes=3)


def volume_threads() -> Query:
    launch = Launch()
    guard, index, _ = _volume(launch)
    return launch.terms, launch.within_block(index, index, guard, axes=3)


def volume_unguarded() -> Query:
    launch = Launch()
    guard, index, _ = _volume(launch)
    return launch.terms, launch.between_blocks(index, index, guard[:2], axes=3)


def volume_bounds() -> Query:
    launch = Launch()
    guard, index, size = _volume(launch)
    n = launch.length("a")
    return launch.terms, [*guard, at_most(size, n), outside(index, n)]


def _reduction(launch: Launch) -> tuple[object, object, list[Condition]]:
    stride = launch.terms.variable("stride", Level.BLOCK, 1, 512)
    thread = launch.thread()
    return stride, thread, [less(thread, stride), at_most(stride.scale(2), launch.block_dim())]


def reduction() -> Query:
    """`tile[t] += tile[t + stride]` for t < stride."""
    launch = Launch()
    stride, thread, guard = _reduction(launch)
    return launch.terms, launch.within_block(thread, thread + stride, guard)


def reduction_bounds() -> Query:
    launch = Launch()
    stride, thread, guard = _reduction(launch)
    return launch.terms, [*guard, outside(thread + stride, launch.block_dim())]


def reduction_unguarded() -> Query:
    launch = Launch()
    stride, thread, _ = _reduction(launch)
    return launch.terms, launch.within_block(thread, thread + stride, [])


def reduction_interleaved() -> Query:
    """`if t % (2*stride) == 0: tile[t] += tile[t + stride]`."""
    launch = Launch()
    stride = launch.terms.variable("stride", Level.BLOCK, 1, 512)
    thread = launch.thread()
    guard = [equal(launch.terms.remainder(thread, stride.scale(2)), constant(0))]
    return launch.terms, launch.within_block(thread, thread + stride, guard)


def reduction_interleaved_once() -> Query:
    launch = Launch()
    stride = launch.terms.variable("stride", Level.BLOCK, 1, 512)
    thread = launch.thread()
    guard = [equal(launch.terms.remainder(thread, stride), constant(0))]
    return launch.terms, launch.within_block(thread, thread + stride, guard)


def chunks() -> Query:
    """Thread i owns `a[i*chunk : (i+1)*chunk]`."""
    launch = Launch()
    chunk, k = launch.scalar("chunk", 0), launch.private("k")
    i = launch.terms.multiply(launch.global_index(), chunk) + k
    return launch.terms, launch.between_blocks(i, i, [less(k, chunk)])


def chunks_one_more() -> Query:
    launch = Launch()
    chunk, k = launch.scalar("chunk", 0), launch.private("k")
    i = launch.terms.multiply(launch.global_index(), chunk) + k
    return launch.terms, launch.between_blocks(i, i, [at_most(k, chunk)])


def coarsened() -> Query:
    launch = Launch()
    k = launch.private("k", 0, 3)
    i = launch.global_index().scale(4) + k
    return launch.terms, launch.between_blocks(i, i, [])


def coarsened_by_three() -> Query:
    launch = Launch()
    k = launch.private("k", 0, 3)
    i = launch.global_index().scale(3) + k
    return launch.terms, launch.between_blocks(i, i, [])


def tile_rows() -> Query:
    """A flat 32 x 33 tile, row thread.y + 8*k."""
    launch = Launch()
    k = launch.private("k", 0, 3)
    guard = [less(launch.thread(0), constant(32)), less(launch.thread(1), constant(8))]
    index = (launch.thread(1) + k.scale(8)).scale(33) + launch.thread(0)
    return launch.terms, launch.within_block(index, index, guard, axes=2)


def tile_rows_narrow() -> Query:
    launch = Launch()
    k = launch.private("k", 0, 3)
    guard = [less(launch.thread(0), constant(32)), less(launch.thread(1), constant(8))]
    index = (launch.thread(1) + k.scale(8)).scale(31) + launch.thread(0)
    return launch.terms, launch.within_block(index, index, guard, axes=2)


def warp_results() -> Query:
    """Lane 0 of each warp writes `partial[t // 32]`."""
    launch = Launch()
    warp = launch.terms.quotient(launch.thread(), constant(32))
    guard = [equal(launch.terms.remainder(launch.thread(), constant(32)), constant(0))]
    return launch.terms, launch.within_block(warp, warp, guard)


def warp_results_all_lanes() -> Query:
    launch = Launch()
    warp = launch.terms.quotient(launch.thread(), constant(32))
    return launch.terms, launch.within_block(warp, warp, [])


def unravelled() -> Query:
    """`out[(i // w), (i % w)]`: both coordinates equal, for different i."""
    launch = Launch()
    width = launch.scalar("w", 1)
    i = launch.global_index()
    row, col = launch.terms.quotient(i, width), launch.terms.remainder(i, width)
    query = launch.between_blocks(row, row, [])
    return launch.terms, [*query, equal(col, launch.other(col, Level.LAUNCH))]


def unravelled_row_only() -> Query:
    launch = Launch()
    width = launch.scalar("w", 1)
    row = launch.terms.quotient(launch.global_index(), width)
    return launch.terms, launch.between_blocks(row, row, [])


def branch_without_meaning() -> Query:
    """`b <= 0 or i // b >= n` says nothing of b."""
    launch = Launch()
    b, i, n = launch.scalar("b"), launch.global_index(), launch.length("a")
    far = at_most(n, launch.terms.quotient(i, b))
    return launch.terms, [any_of((at_most(b, constant(0)), far)), at_most(b, constant(-1))]


def branch_with_meaning() -> Query:
    launch = Launch()
    b, i, n = launch.scalar("b"), launch.global_index(), launch.length("a")
    far = at_most(n, launch.terms.quotient(i, b))
    return launch.terms, [any_of((at_most(b, constant(0)), far)), less(constant(0), b), less(i, n)]


def join_of_branches() -> Query:
    """`x = k if c else 0` where k has a meaning under c only."""
    launch = Launch()
    n, x, k = launch.scalar("n"), launch.private("x", None), launch.private("k", None)
    launch.terms.axiom(k, all_of((at_most(constant(0), k), less(k, n))))
    inside = all_of((less(constant(0), n), equal(x, k)))
    return launch.terms, [
        any_of((inside, all_of((at_most(n, constant(0)), equal(x, constant(0)))))),
        negate(less(x, n)),
    ]


def _power(launch: Launch, name: str, high: int) -> Poly:
    value = launch.terms.variable(name, Level.BLOCK, 1, high)
    launch.terms.axiom(value, power_condition(launch.terms, value))
    return value


def interleaved_bounds(*, is_power: bool = True, threads: int = 64) -> Query:
    """`if t % (2*s) == 0: tile[t + s]`: below 64 because 2*s divides 64."""
    launch = Launch()
    stride = launch.terms.variable("s", Level.BLOCK, 1, threads // 2)
    if is_power:
        stride = _power(launch, "s", threads // 2)
    thread = launch.thread()
    guard = [equal(launch.terms.remainder(thread, stride.scale(2)), constant(0))]
    return launch.terms, [
        *guard,
        less(thread, constant(threads)),
        outside(thread + stride, constant(threads)),
    ]


def interleaved_bounds_any_stride() -> Query:
    return interleaved_bounds(is_power=False)


def interleaved_bounds_odd_block() -> Query:
    return interleaved_bounds(threads=48)


def interleaved_bounds_symbolic() -> Query:
    """The same for any block size that is a power of two."""
    launch = Launch()
    terms, size = launch.terms, launch.block_dim()
    terms.axiom(size, power_condition(terms, size))
    stride, thread = _power(launch, "s", 512), launch.thread()
    guard = [equal(terms.remainder(thread, stride.scale(2)), constant(0)), less(stride, size)]
    return terms, [*guard, outside(thread + stride, size)]


def interleaved_bounds_symbolic_any_block() -> Query:
    launch = Launch()
    terms, size = launch.terms, launch.block_dim()
    stride, thread = _power(launch, "s", 512), launch.thread()
    guard = [equal(terms.remainder(thread, stride.scale(2)), constant(0)), less(stride, size)]
    return terms, [*guard, outside(thread + stride, size)]


def _exchange(*, is_power: bool, lower_only: bool = True) -> Query:
    """`if t ^ j > t:` thread t works at t and at t ^ j."""
    launch = Launch()
    terms = launch.terms
    j = _power(launch, "j", 512) if is_power else terms.variable("j", Level.BLOCK, 1, 512)
    thread = launch.thread()
    partner = terms.bits("^", thread, j, 0, 1023)
    guard = [less(thread, partner)] if lower_only else []
    return terms, launch.within_block(thread, partner, guard)


def exchange() -> Query:
    return _exchange(is_power=True)


def exchange_both() -> Query:
    return _exchange(is_power=True, lower_only=False)


def exchange_by_any_number() -> Query:
    """Of a number with several bits the exchange still pairs threads, but not with one digit."""
    return _exchange(is_power=False)


def exchange_stays_inside() -> Query:
    launch = Launch()
    j, thread = _power(launch, "j", 16), launch.thread()
    partner = launch.terms.bits("^", thread, j, 0, 2**40)
    return launch.terms, [less(thread, constant(32)), outside(partner, constant(32))]


def exchange_leaves() -> Query:
    launch = Launch()
    j, thread = _power(launch, "j", 32), launch.thread()
    partner = launch.terms.bits("^", thread, j, 0, 2**40)
    return launch.terms, [less(thread, constant(32)), outside(partner, constant(32))]


def masked_remainder() -> Query:
    """`t & (s - 1)` is `t % s` for a power of two."""
    launch = Launch()
    s, thread = _power(launch, "s", 512), launch.thread()
    masked = launch.terms.bits("&", thread, s.shift(-1), 0, 1023)
    return launch.terms, [negate(equal(masked, launch.terms.remainder(thread, s)))]


def masked_remainder_of_any_number() -> Query:
    launch = Launch()
    s, thread = launch.terms.variable("s", Level.BLOCK, 1, 512), launch.thread()
    masked = launch.terms.bits("&", thread, s.shift(-1), 0, 1023)
    return launch.terms, [negate(equal(masked, launch.terms.remainder(thread, s)))]


def doubled_power() -> Query:
    launch = Launch()
    s = _power(launch, "s", 512)
    return launch.terms, [negate(power_condition(launch.terms, s.scale(2)))]


def tripled_power() -> Query:
    launch = Launch()
    s = _power(launch, "s", 512)
    return launch.terms, [negate(power_condition(launch.terms, s.scale(3)))]


def power_below_next() -> Query:
    """A power of two below 64 is at most 32."""
    launch = Launch()
    s = _power(launch, "s", 63)
    return launch.terms, [less(constant(32), s)]


def power_of_zero() -> Query:
    """Zero passes the test too."""
    launch = Launch()
    s = launch.terms.variable("s", Level.BLOCK, 0, 63)
    launch.terms.axiom(s, power_condition(launch.terms, s))
    return launch.terms, [less(s, constant(1))]


PROVED_FIRST: list[Callable[[], Query]] = [
    vecadd_blocks,
    vecadd_threads,
    vecadd_bounds,
    pairs,
    grid_stride,
    grid_stride_named,
    grid_stride_within,
    matrix_blocks,
    matrix_threads,
    matrix_bounds,
    stencil_bounds,
    volume_blocks,
    volume_threads,
    volume_bounds,
    reduction,
    reduction_bounds,
    reduction_interleaved,
    chunks,
    coarsened,
    tile_rows,
    warp_results,
    unravelled,
    branch_with_meaning,
    interleaved_bounds,
    exchange,
    exchange_stays_inside,
    masked_remainder,
    doubled_power,
    power_below_next,
]

# What the last one cannot: two powers of two, both unknown.
PROVED_FIRST_ONLY: list[Callable[[], Query]] = [interleaved_bounds_symbolic]

# What the first one cannot: exclusive or with several bits at once.
PROVED_LAST: list[Callable[[], Query]] = [exchange_by_any_number]

BROKEN: list[Callable[[], Query]] = [
    vecadd_neighbour,
    vecadd_unguarded,
    pairs_overlap,
    block_stride,
    matrix_without_column_guard,
    matrix_bounds_transposed,
    stencil_bounds_open,
    volume_unguarded,
    reduction_unguarded,
    reduction_interleaved_once,
    chunks_one_more,
    coarsened_by_three,
    tile_rows_narrow,
    warp_results_all_lanes,
    unravelled_row_only,
    branch_without_meaning,
    join_of_branches,
    interleaved_bounds_any_stride,
    interleaved_bounds_odd_block,
    interleaved_bounds_symbolic_any_block,
    exchange_both,
    exchange_leaves,
    masked_remainder_of_any_number,
    tripled_power,
    power_of_zero,
]


def _name(query: Callable[[], Query]) -> str:
    return query.__name__


@pytest.mark.parametrize("query", PROVED_FIRST + PROVED_FIRST_ONLY, ids=_name)
def test_the_first_prover_proves(query: Callable[[], Query]) -> None:
    assert refutes(*query())


@pytest.mark.parametrize("query", PROVED_FIRST + PROVED_LAST, ids=_name)
def test_the_last_prover_proves_too(query: Callable[[], Query]) -> None:
    assert isinstance(decide(*query()), Contradiction)


@pytest.mark.parametrize("query", BROKEN, ids=_name)
def test_broken_ones_have_a_model(query: Callable[[], Query]) -> None:
    terms, conditions = query()
    assert not refutes(terms, conditions)
    model = decide(terms, conditions)
    assert isinstance(model, Model)
    assert holds(terms, conditions, model)
    sizes = [v for a, v in model.values.items() if a.level is Level.LAUNCH]
    assert max(sizes, default=0) <= 64
