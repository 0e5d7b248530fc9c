"""What has to be shown about a kernel, as questions to the provers.

An obligation holds if each of its queries is contradictory: a query says, in conditions over one
or two threads, how the obligation would fail. Two threads of one block share the variables of
the launch, of their block, and of the iterations that they are in together; two threads of
different blocks share those of the launch. Names of the others get `$1` and `$2`.

    race of `tile[t] = …` with `… = tile[t + s]` in one interval
        t$1 < s,  t$2 < s,  t$1 == t$2 + s,  thread$1 != thread$2

There is one race obligation for each pair of statements and each way to meet (in one block, or
between blocks), one bound for each index of each access, and so on; the same question asked by
several statements is one query. Where many accesses have one form (`groups`), one question about
all of them is asked first, and if that settles them, one obligation stands for all their pairs.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from oxide_analyzer.diagnostics import AccessKind
from oxide_analyzer.facts.conditions import (
    FALSE,
    Condition,
    any_of,
    condition_polys,
    equal,
    is_arithmetic,
    is_zero,
    negate,
)
from oxide_analyzer.facts.polys import Level, Poly, Variable
from oxide_analyzer.ir.nodes import For, Register, Space, While
from oxide_analyzer.proof.affine import refutes
from oxide_analyzer.proof.data_facts import distinguished
from oxide_analyzer.proof.groups import (
    Encounter,
    Group,
    IsSettled,
    Touch,
    groups,
    pairs,
)
from oxide_analyzer.proof.memory import memory_obligations
from oxide_analyzer.proof.subjects import Kind, Leaving, Meeting, Obligation, Pair, Query

if TYPE_CHECKING:
    from collections.abc import Iterator

    from oxide_analyzer.facts.accesses import Access, Arrival, Exit, Interval, Position
    from oxide_analyzer.facts.effects import Analysis
    from oxide_analyzer.facts.polys import Atom


def obligations(analysis: Analysis, is_settled: IsSettled | None = None) -> tuple[Obligation, ...]:
    """Everything that has to be shown, in the order of the source where it matters.

    `is_settled` says of a query whether it is contradictory. It is asked where one question may
    stand for many; what it settles is one obligation then.
    """
    is_settled = is_settled or partial(refutes, analysis.terms)
    found: list[Obligation] = []
    found.extend(_races(analysis, is_settled))
    found.extend(_exits(analysis, is_settled))
    found.extend(_meetings(analysis))
    found.extend(memory_obligations(analysis, is_settled))
    return tuple(distinguished(analysis, o) for o in found)


# ---------------------------------------------------------------- races


def conflicting(first: Access | Group, second: Access | Group, between_blocks: bool) -> bool:
    """Whether two accesses of one element by two threads would be a race."""
    kinds = {first.kind, second.kind}
    if kinds == {AccessKind.READ}:
        return False
    if kinds == {AccessKind.ATOMIC}:
        return between_blocks and "block" in (first.scope, second.scope)
    return True


def _races(analysis: Analysis, is_settled: IsSettled) -> Iterator[Obligation]:
    kernel = analysis.kernel
    queries: dict[tuple[Kind, int, int], tuple[Pair, dict[Query, None]]] = {}

    def add(kind: Kind, touch: Touch) -> None:
        pair = (touch.first.access, touch.second.access)
        low, high = sorted(pair, key=lambda a: a.site)
        _, known = queries.setdefault((kind, low.site, high.site), (Pair(low, high), {}))
        if FALSE not in touch.query:
            known[touch.query] = None

    def collect(kind: Kind, accesses: tuple[Access, ...], between_blocks: bool) -> None:
        found: list[Touch] = []
        for first, second in pairs(groups(accesses)):
            space = kernel.arrays[first.array].space
            if space is Space.LOCAL or (between_blocks and space is not Space.GLOBAL):
                continue
            if conflicting(first, second, between_blocks):
                found.extend(_unsettled(_encounter(analysis, first, second, kind), is_settled))
        for touch in sorted(found, key=lambda m: m.order):
            add(kind, touch)

    for interval in analysis.effects.intervals:
        collect(Kind.RACE, interval.accesses, between_blocks=False)
    collect(Kind.BLOCK_RACE, analysis.effects.whole, between_blocks=True)
    for (kind, _, _), (pair, known) in queries.items():
        yield Obligation(kind, pair, tuple(known))


def _unsettled(encounter: Encounter, is_settled: IsSettled) -> Iterator[Touch]:
    """One pair that stands for all if one question settles them, else each pair."""
    if encounter.is_worth_asking:
        anywhere = encounter.anywhere()
        if is_settled(anywhere):
            yield Touch(encounter.first.members[0], encounter.second.members[0], anywhere)
            return
    yield from encounter.touches()


def _encounter(analysis: Analysis, first: Group, second: Group, kind: Kind) -> Encounter:
    """Two threads of one block, or of different blocks, touch one element."""
    if kind is Kind.RACE:
        differing = _indices(analysis, Register.THREAD)
        return _meet(analysis, first, second, Level.BLOCK, differing)
    differing = _indices(analysis, Register.BLOCK)
    return _meet(analysis, first, second, Level.LAUNCH, differing)


def _indices(analysis: Analysis, register: Register) -> list[Poly]:
    return [analysis.launch.register(register, axis) for axis in range(3)]


def _meet(
    analysis: Analysis,
    first: Group,
    second: Group,
    shared: Level,
    differing: list[Poly],
    more: tuple[Condition, ...] = (),
) -> Encounter:
    """Members of both groups touch one element, by threads that differ in one of `differing`."""
    terms = analysis.terms

    def distance(left: Poly, right: Poly) -> Poly:
        return terms.rename(left, "$1", shared) - terms.rename(right, "$2", shared)

    given = (
        *more,
        *(terms.rename_condition(c, "$1", shared) for c in first.path),
        *(terms.rename_condition(c, "$2", shared) for c in second.path),
        any_of(negate(is_zero(distance(p, p))) for p in differing),
    )
    distances = tuple(distance(i, j) for i, j in zip(first.base, second.base, strict=True))
    return Encounter(terms, first, second, given, distances)


# ---------------------------------------------------------------- exits and barriers


def _exits(analysis: Analysis, is_settled: IsSettled) -> Iterator[Obligation]:
    """Who returned before a barrier has not met those who go on behind it."""
    effects = analysis.effects
    if not any(interval.exits for interval in effects.intervals):
        return
    found: dict[tuple[int, int, int], tuple[Leaving, dict[Query, None]]] = {}
    later = groups(_behind_barriers(effects.arrivals, effects.whole))
    for interval in effects.intervals:
        for leaving in interval.exits:
            touches: list[Touch] = []
            for first, second in _left_behind(analysis, interval, leaving, later):
                encounter = _leave(analysis, leaving, first, second)
                touches.extend(_unsettled(encounter, is_settled))
            for touch in sorted(touches, key=lambda m: (m.first.place, m.second.place)):
                before, after = touch.first.access, touch.second.access
                key = (leaving.stmt.site, before.site, after.site)
                subject = Leaving(leaving, Pair(before, after))
                _, known = found.setdefault(key, (subject, {}))
                if FALSE not in touch.query:
                    known[touch.query] = None
    for subject, known in found.values():
        yield Obligation(Kind.EXIT, subject, tuple(known))


def _left_behind(
    analysis: Analysis, interval: Interval, leaving: Exit, later: dict[str, list[Group]]
) -> Iterator[tuple[Group, Group]]:
    """Accesses that may come before the exit, each with the later ones that they conflict with."""
    before = [a for a in interval.accesses if may_follow(a.position, leaving.position)]
    # What is known of an access in a loop differs, so these are groups of their own.
    for in_loop in (False, True):
        own = groups(a for a in before if _is_in_loop(a) is in_loop)
        for array, earlier in own.items():
            if analysis.kernel.arrays[array].space is Space.LOCAL:
                continue
            for first in earlier:
                for second in later.get(array, ()):
                    if conflicting(first, second, between_blocks=False):
                        yield first, second


def _is_in_loop(access: Access) -> bool:
    return any(isinstance(frame.owner, (For, While)) for frame in access.position)


def _behind_barriers(arrivals: tuple[Arrival, ...], accesses: tuple[Access, ...]) -> list[Access]:
    return [
        access
        for access in accesses
        if any(may_follow(a.position, access.position) for a in arrivals)
    ]


def _known_at(analysis: Analysis, leaving: Exit, before: Group) -> list[Condition]:
    """What the way to an exit says of the thread that made an access before.

    In a loop the access may have been in an earlier iteration than the exit, or than the one that
    ended the loop; there a condition counts only if it shares no variable of the interval with
    the access.
    """
    if not _is_in_loop(before.members[0].access):
        return list(leaving.path)
    own = {
        atom
        for poly in (*before.base, *(p for c in before.path for p in condition_polys(c)))
        for atom in _younger(analysis, poly, leaving.since)
    }
    return [
        condition
        for condition in leaving.path
        if is_arithmetic(condition)
        and not any(
            own & _younger(analysis, poly, leaving.since) for poly in condition_polys(condition)
        )
    ]


def _younger(analysis: Analysis, poly: Poly, since: int) -> set[Atom]:
    return {
        atom
        for atom in analysis.terms.reachable((poly,))
        if atom.serial > since and isinstance(atom.form, Variable)
    }


def may_follow(earlier: Position, later: Position) -> bool:
    """Whether a thread can come from one place to the other: further on, or round a loop."""
    for left, right in zip(earlier, later, strict=False):
        if isinstance(left.owner, (For, While)) and left.owner is right.owner:
            return True
        if left.block is not right.block:
            return False
        if left.index != right.index:
            return left.index < right.index
    return True


def _leave(analysis: Analysis, leaving: Exit, before: Group, after: Group) -> Encounter:
    terms = analysis.terms
    together = tuple(
        equal(terms.rename(b, "$1", Level.LAUNCH), terms.rename(b, "$2", Level.LAUNCH))
        for b in _indices(analysis, Register.BLOCK)
    )
    path = _known_at(analysis, leaving, before)
    left = tuple(terms.rename_condition(c, "$1", Level.LAUNCH) for c in path)
    threads = _indices(analysis, Register.THREAD)
    return _meet(analysis, before, after, Level.LAUNCH, threads, (*together, *left))


def _meetings(analysis: Analysis) -> Iterator[Obligation]:
    for arrival in analysis.effects.arrivals:
        branches = analysis.uniform.divergent.get(arrival.barrier.site, ())
        queries = None if branches else ()
        reason = "threads of one block may take different ways here" if branches else ""
        yield Obligation(Kind.CONVERGENCE, Meeting(arrival, branches), queries, reason)
