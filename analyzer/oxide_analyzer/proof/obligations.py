"""What has to be shown about a kernel, as questions to the provers.

An obligation holds if each of its queries is contradictory: a query says, in conditions over one
or two threads, how the obligation would fail. Two threads of one block share the variables of
the launch, of their block, and of the iterations that they are in together; two threads of
different blocks share those of the launch. Names of the others get `$1` and `$2`.

    race of `tile[t] = …` with `… = tile[t + s]` in one interval
        t$1 < s,  t$2 < s,  t$1 == t$2 + s,  thread$1 != thread$2

There is one race obligation for each pair of statements and each way to meet (in one block, or
between blocks), one bound for each index of each access, and so on; the same question asked by
several statements is one query.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from oxide_analyzer.diagnostics import AccessKind
from oxide_analyzer.facts.conditions import (
    FALSE,
    Condition,
    any_of,
    condition_polys,
    equal,
    is_arithmetic,
    negate,
)
from oxide_analyzer.facts.polys import Level, Poly, Variable
from oxide_analyzer.ir.nodes import For, Register, Space, While
from oxide_analyzer.proof.memory import memory_obligations
from oxide_analyzer.proof.subjects import Kind, Leaving, Meeting, Obligation, Pair, Query

if TYPE_CHECKING:
    from collections.abc import Iterator

    from oxide_analyzer.facts.accesses import Access, Arrival, Exit, Position
    from oxide_analyzer.facts.effects import Analysis
    from oxide_analyzer.facts.polys import Atom


def obligations(analysis: Analysis) -> tuple[Obligation, ...]:
    """Everything that has to be shown, in the order of the source where it matters."""
    found: list[Obligation] = []
    found.extend(_races(analysis))
    found.extend(_exits(analysis))
    found.extend(_meetings(analysis))
    found.extend(memory_obligations(analysis))
    return tuple(found)


# ---------------------------------------------------------------- races


def conflicting(first: Access, second: Access, between_blocks: bool) -> bool:
    """Whether two accesses of one element by two threads would be a race."""
    kinds = {first.kind, second.kind}
    if kinds == {AccessKind.READ}:
        return False
    if kinds == {AccessKind.ATOMIC}:
        return between_blocks and "block" in (first.scope, second.scope)
    return True


def _races(analysis: Analysis) -> Iterator[Obligation]:
    kernel = analysis.kernel
    queries: dict[tuple[Kind, int, int], tuple[Pair, dict[Query, None]]] = {}

    def add(kind: Kind, first: Access, second: Access, query: Query) -> None:
        low, high = sorted((first, second), key=lambda a: a.site)
        _, known = queries.setdefault((kind, low.site, high.site), (Pair(low, high), {}))
        if FALSE not in query:
            known[query] = None

    for interval in analysis.effects.intervals:
        for first, second in _pairs(interval.accesses):
            if kernel.arrays[first.array].space is Space.LOCAL:
                continue
            if conflicting(first, second, between_blocks=False):
                add(Kind.RACE, first, second, _same_block(analysis, first, second))
    for first, second in _pairs(analysis.effects.whole):
        if kernel.arrays[first.array].space is not Space.GLOBAL:
            continue
        if conflicting(first, second, between_blocks=True):
            add(Kind.BLOCK_RACE, first, second, _other_block(analysis, first, second))
    for (kind, _, _), (pair, known) in queries.items():
        yield Obligation(kind, pair, tuple(known))


def _pairs(accesses: tuple[Access, ...]) -> Iterator[tuple[Access, Access]]:
    """Pairs of accesses to one array, one of each form: equal index, path, site and kind."""
    by_array: dict[str, dict[object, Access]] = {}
    for access in accesses:
        key = (access.site, access.kind, access.index, access.path)
        by_array.setdefault(access.array, {}).setdefault(key, access)
    for forms in by_array.values():
        group = list(forms.values())
        for position, first in enumerate(group):
            for second in group[position:]:
                yield first, second


def _same_block(analysis: Analysis, first: Access, second: Access) -> Query:
    registers = _indices(analysis, Register.THREAD)
    return _meet(analysis, first, second, Level.BLOCK, registers)


def _other_block(analysis: Analysis, first: Access, second: Access) -> Query:
    registers = _indices(analysis, Register.BLOCK)
    return _meet(analysis, first, second, Level.LAUNCH, registers)


def _indices(analysis: Analysis, register: Register) -> list[Poly]:
    return [analysis.launch.register(register, axis) for axis in range(3)]


def _meet(
    analysis: Analysis,
    first: Access,
    second: Access,
    shared: Level,
    differing: list[Poly],
    more: tuple[Condition, ...] = (),
) -> Query:
    """Both accesses touch one element, by threads that differ in one of `differing`."""
    terms = analysis.terms

    def one(poly: Poly) -> Poly:
        return terms.rename(poly, "$1", shared)

    def two(poly: Poly) -> Poly:
        return terms.rename(poly, "$2", shared)

    same = [equal(one(i), two(j)) for i, j in zip(first.index, second.index, strict=True)]
    if FALSE in same:
        return (FALSE,)
    apart = any_of(negate(equal(one(p), two(p))) for p in differing)
    return (
        *more,
        *(terms.rename_condition(c, "$1", shared) for c in first.path),
        *(terms.rename_condition(c, "$2", shared) for c in second.path),
        *same,
        apart,
    )


# ---------------------------------------------------------------- exits and barriers


def _exits(analysis: Analysis) -> Iterator[Obligation]:
    """Who returned before a barrier has not met those who go on behind it."""
    kernel, effects = analysis.kernel, analysis.effects
    blocks = _indices(analysis, Register.BLOCK)
    found: dict[tuple[int, int, int], tuple[Leaving, dict[Query, None]]] = {}
    for interval in effects.intervals:
        for leaving in interval.exits:
            later = _behind_barriers(effects.arrivals, effects.whole)
            for before in interval.accesses:
                if not may_follow(before.position, leaving.position):
                    continue
                for after in later:
                    if before.array != after.array:
                        continue
                    if kernel.arrays[before.array].space is Space.LOCAL:
                        continue
                    if not conflicting(before, after, between_blocks=False):
                        continue
                    query = _leave(analysis, leaving, before, after, blocks)
                    key = (leaving.stmt.site, before.site, after.site)
                    subject = Leaving(leaving, Pair(before, after))
                    _, known = found.setdefault(key, (subject, {}))
                    if FALSE not in query:
                        known[query] = None
    for subject, known in found.values():
        yield Obligation(Kind.EXIT, subject, tuple(known))


def _behind_barriers(arrivals: tuple[Arrival, ...], accesses: tuple[Access, ...]) -> list[Access]:
    return [
        access
        for access in accesses
        if any(may_follow(a.position, access.position) for a in arrivals)
    ]


def _known_at(analysis: Analysis, leaving: Exit, before: Access) -> list[Condition]:
    """What the way to an exit says of the thread that made an access before.

    In a loop the access may have been in an earlier iteration than the exit, or than the one that
    ended the loop; there a condition counts only if it shares no variable of the interval with
    the access.
    """
    if not any(isinstance(frame.owner, (For, While)) for frame in before.position):
        return list(leaving.path)
    own = {
        atom
        for poly in (*before.index, *(p for c in before.path for p in condition_polys(c)))
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


def _leave(
    analysis: Analysis, leaving: Exit, before: Access, after: Access, blocks: list[Poly]
) -> Query:
    terms = analysis.terms
    together = tuple(
        equal(terms.rename(b, "$1", Level.LAUNCH), terms.rename(b, "$2", Level.LAUNCH))
        for b in blocks
    )
    path = _known_at(analysis, leaving, before)
    left = tuple(terms.rename_condition(c, "$1", Level.LAUNCH) for c in path)
    return _meet(
        analysis,
        before,
        after,
        Level.LAUNCH,
        _indices(analysis, Register.THREAD),
        (*together, *left),
    )


def _meetings(analysis: Analysis) -> Iterator[Obligation]:
    for arrival in analysis.effects.arrivals:
        branches = analysis.uniform.divergent.get(arrival.barrier.site, ())
        queries = None if branches else ()
        reason = "threads of one block may take different ways here" if branches else ""
        yield Obligation(Kind.CONVERGENCE, Meeting(arrival, branches), queries, reason)
