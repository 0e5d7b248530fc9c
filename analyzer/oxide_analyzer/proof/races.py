"""Races: two threads touch one element, one of them changes it, and nothing orders the two.

What orders threads is what they pass together, so two accesses race only within one interval
(`facts/effects`), and which interval depends on who the two threads are:

* of one warp: between barriers, and between `sync_warp` with all lanes, which end an interval too;
* of different warps of one block: between barriers;
* of different blocks: between `grid_sync`, and where there is none, in the whole kernel.

    tile[t] = x                        of one warp: in different intervals
    sync_warp()                        of different warps: in one interval, but
    y = tile[t ^ 1]                    t$1 == t$2 ^ 1,  t$1 // 32 != t$2 // 32  has no solution

Shuffles, votes and reductions order nothing; nor does lockstep. Where nothing orders the lanes of
a warp in particular, one question about two threads of a block does for both.

A store of an asynchronous copy is in each interval up to the wait for it (`facts/under_way`), and
what its own thread does in the meantime races with it as well.

Two threads share the variables of the launch, and those of the group whose interval it is: of
their iterations, too, for it started with all of them at the same place in the same iteration of
every loop round it. That threads do meet there is another obligation (`convergence`), on which
these proofs lean. Names of the others get `$1` and `$2`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from oxide_analyzer.diagnostics import AccessKind
from oxide_analyzer.facts.conditions import FALSE, Condition, any_of, equal, is_zero, negate
from oxide_analyzer.facts.polys import Level, Poly, constant
from oxide_analyzer.facts.together import same_warp
from oxide_analyzer.ir.nodes import Register, Scope, Space
from oxide_analyzer.proof.groups import Encounter, Group, IsSettled, Touch, groups, pairs
from oxide_analyzer.proof.subjects import Kind, Obligation, Pair, Query

if TYPE_CHECKING:
    from collections.abc import Iterator

    from oxide_analyzer.facts.accesses import Access
    from oxide_analyzer.facts.effects import Analysis


# What is atomic among the threads of one block only, or of one cluster, which may have one.
_NARROW = {Scope.BLOCK, Scope.CLUSTER}


def conflicting(first: Access | Group, second: Access | Group, between_blocks: bool) -> bool:
    """Whether two accesses of one element by two threads would be a race."""
    if not (first.changes or second.changes):
        return False
    if first.kind is second.kind is AccessKind.ATOMIC:
        return between_blocks and bool(_NARROW & {first.scope, second.scope})
    return True


def races(analysis: Analysis, is_settled: IsSettled) -> Iterator[Obligation]:
    """One obligation for each pair of statements and each way to meet."""
    kernel = analysis.kernel
    queries: dict[tuple[Kind, int, int], tuple[Pair, dict[Query, None]]] = {}

    def add(kind: Kind, touch: Touch) -> None:
        pair = (touch.first.access, touch.second.access)
        low, high = sorted(pair, key=lambda a: a.site)
        _, known = queries.setdefault((kind, low.site, high.site), (Pair(low, high), {}))
        if FALSE not in touch.query:
            known[touch.query] = None

    def collect(group: Level, accesses: tuple[Access, ...]) -> None:
        between_blocks = group <= Level.GRID
        found: list[Touch] = []
        for first, second in pairs(groups(accesses)):
            if not is_shared_by(kernel.arrays[first.array].space, group):
                continue
            if conflicting(first, second, between_blocks):
                found.extend(unsettled(_encounter(analysis, first, second, group), is_settled))
        for touch in sorted(found, key=lambda m: m.order):
            add(Kind.BLOCK_RACE if between_blocks else Kind.RACE, touch)

    for interval in analysis.effects.intervals:
        collect(interval.group, interval.accesses)
    if not analysis.effects.orders(Level.GRID):
        collect(Level.LAUNCH, analysis.effects.whole)
    for store, access in analysis.effects.touches:
        # One thread alone: nothing is renamed.
        low, high = sorted((store, access), key=lambda a: a.site)
        _, known = queries.setdefault((Kind.RACE, low.site, high.site), (Pair(low, high), {}))
        same = (equal(i, j) for i, j in zip(store.index, access.index, strict=True))
        query = (*store.path, *access.path, *same)
        if FALSE not in query:
            known[query] = None
    for (kind, _, _), (pair, known) in queries.items():
        yield Obligation(kind, pair, tuple(known))


def is_shared_by(space: Space, group: Level) -> bool:
    """Whether two threads of a group can touch one element of a memory at all."""
    return space is Space.GLOBAL or (space is Space.SHARED and group >= Level.BLOCK)


def unsettled(encounter: Encounter, is_settled: IsSettled) -> Iterator[Touch]:
    """One pair that stands for all if one question settles them, else each pair."""
    if encounter.is_worth_asking:
        anywhere = encounter.anywhere()
        if is_settled(anywhere):
            yield Touch(encounter.first.members[0], encounter.second.members[0], anywhere)
            return
    yield from encounter.touches()


def _encounter(analysis: Analysis, first: Group, second: Group, group: Level) -> Encounter:
    """Two threads of a group, which the next smaller tells apart, touch one element."""
    more = same_warp(analysis.launch, group)
    cluster = analysis.kernel.contract.cluster
    apart = differing(analysis, group)
    if cluster is not None and _meet_in_clusters(first, second):
        quotient = analysis.terms.quotient
        apart = [quotient(p, constant(c)) for p, c in zip(apart, cluster, strict=True)]
    return encounter(analysis, first, second, group, apart, more)


def _meet_in_clusters(first: Group, second: Group) -> bool:
    """Whether two atomics are so among the blocks of one cluster, and not beyond."""
    if not first.kind is second.kind is AccessKind.ATOMIC:
        return False
    scopes = {first.scope, second.scope}
    return Scope.CLUSTER in scopes and Scope.BLOCK not in scopes


def differing(analysis: Analysis, group: Level) -> list[Poly]:
    """In one of these the two threads of a question about a group differ."""
    if group <= Level.GRID:
        return indices(analysis, Register.BLOCK)
    if group is Level.BLOCK and analysis.effects.orders(Level.WARP):
        return [analysis.launch.warp]
    return indices(analysis, Register.THREAD)


def indices(analysis: Analysis, register: Register) -> list[Poly]:
    """A thread or block index along x, y and z."""
    return [analysis.launch.register(register, axis) for axis in range(3)]


def encounter(
    analysis: Analysis,
    first: Group,
    second: Group,
    shared: Level,
    apart: list[Poly],
    more: tuple[Condition, ...] = (),
) -> Encounter:
    """Members of both groups touch one element, by threads that differ in one of `apart`."""
    terms = analysis.terms

    def distance(left: Poly, right: Poly) -> Poly:
        return terms.rename(left, "$1", shared) - terms.rename(right, "$2", shared)

    key = tuple(apart), shared
    differ = terms.apart.get(key)
    if differ is None:
        differ = terms.apart[key] = any_of(negate(is_zero(distance(p, p))) for p in apart)
    given = (
        *more,
        *(terms.rename_condition(c, "$1", shared) for c in first.path),
        *(terms.rename_condition(c, "$2", shared) for c in second.path),
        differ,
    )
    distances = tuple(distance(i, j) for i, j in zip(first.base, second.base, strict=True))
    return Encounter(terms, first, second, given, distances)


def of_one(analysis: Analysis, quantities: list[Poly]) -> tuple[Condition, ...]:
    """That two threads which share nothing but the launch agree in these quantities."""
    rename = analysis.terms.rename
    return tuple(
        equal(rename(p, "$1", Level.LAUNCH), rename(p, "$2", Level.LAUNCH)) for p in quantities
    )
