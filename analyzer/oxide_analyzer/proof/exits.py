"""Early exits: who has returned no longer meets those who go on, so nothing orders them.

A thread that returns before a barrier counts as arrived, but its exit orders nothing: what it did
since the last point that ordered it is tested against all that the others do behind any later
one. In the interval of its exit they are a pair like any other (`races`).

    tile[t] = x
    if t >= n: return                  left: tile[t$1],  t$1 >= n
    sync_threads()
    y = tile[63 - t]                   later: tile[63 - t$2],  t$2 < n:  the same element if
                                       t$1 == 63 - t$2

As races do, this goes by groups: exits of some lanes before a `sync_warp` or a barrier, of some
threads or whole warps before a barrier, of some blocks before `grid_sync`. The two accesses are of
different times, so only what is of the launch is shared, and it is said that the group is one.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from oxide_analyzer.facts.conditions import FALSE, Condition, condition_polys, is_arithmetic
from oxide_analyzer.facts.polys import Level, Poly, Variable
from oxide_analyzer.facts.walk import ordered_by
from oxide_analyzer.ir.nodes import For, Register, While
from oxide_analyzer.proof.groups import Encounter, Group, IsSettled, Touch, groups
from oxide_analyzer.proof.races import (
    conflicting,
    differing,
    encounter,
    indices,
    is_shared_by,
    of_one,
    unsettled,
)
from oxide_analyzer.proof.subjects import Kind, Leaving, Obligation, Pair, Query

if TYPE_CHECKING:
    from collections.abc import Iterator

    from oxide_analyzer.facts.accesses import Access, Exit, Interval, Position
    from oxide_analyzer.facts.effects import Analysis
    from oxide_analyzer.facts.polys import Atom


def exits(analysis: Analysis, is_settled: IsSettled) -> Iterator[Obligation]:
    """Who returned before a barrier has not met those who go on behind it."""
    effects = analysis.effects
    found: dict[tuple[int, int, int], tuple[Leaving, dict[Query, None]]] = {}
    behind: dict[Level, dict[str, list[Group]]] = {}
    for interval in effects.intervals:
        for leaving in interval.exits:
            if interval.group not in behind:
                behind[interval.group] = groups(_behind_meetings(analysis, interval.group))
            later = behind[interval.group]
            touches: list[Touch] = []
            for first, second in _left_behind(analysis, interval, leaving, later):
                left = _leave(analysis, interval.group, leaving, first, second)
                touches.extend(unsettled(left, is_settled))
            for touch in sorted(touches, key=lambda m: (m.first.place, m.second.place)):
                before, after = touch.first.access, touch.second.access
                key = (leaving.stmt.site, before.site, after.site)
                subject = Leaving(leaving, Pair(before, after))
                _, known = found.setdefault(key, (subject, {}))
                if FALSE not in touch.query:
                    known[touch.query] = None
    for subject, known in found.values():
        yield Obligation(Kind.EXIT, subject, tuple(known))


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


def _behind_meetings(analysis: Analysis, group: Level) -> list[Access]:
    """The accesses that may come behind something which orders the threads of a group."""
    starts = [
        arrival.position
        for arrival in analysis.effects.arrivals
        if (ordered := ordered_by(arrival.stmt)) is not None and ordered <= group
    ]
    return [
        access
        for access in analysis.effects.whole
        if any(may_follow(start, access.position) for start in starts)
    ]


def _left_behind(
    analysis: Analysis, interval: Interval, leaving: Exit, later: dict[str, list[Group]]
) -> Iterator[tuple[Group, Group]]:
    """Accesses that may come before the exit, each with the later ones that they conflict with."""
    before = [a for a in interval.accesses if may_follow(a.position, leaving.position)]
    # What is known of an access in a loop differs, so these are groups of their own.
    for in_loop in (False, True):
        own = groups(a for a in before if _is_in_loop(a) is in_loop)
        for array, earlier in own.items():
            if not is_shared_by(analysis.kernel.arrays[array].space, interval.group):
                continue
            for first in earlier:
                for second in later.get(array, ()):
                    if conflicting(first, second, interval.group <= Level.GRID):
                        yield first, second


def _is_in_loop(access: Access) -> bool:
    return any(isinstance(frame.owner, (For, While)) for frame in access.position)


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


def _leave(
    analysis: Analysis, group: Level, leaving: Exit, before: Group, after: Group
) -> Encounter:
    terms = analysis.terms
    same: list[Poly] = []
    if group >= Level.BLOCK:
        same.extend(indices(analysis, Register.BLOCK))
    if group is Level.WARP:
        same.append(analysis.launch.warp)
    path = _known_at(analysis, leaving, before)
    left = tuple(terms.rename_condition(c, "$1", Level.LAUNCH) for c in path)
    apart = differing(analysis, group)
    more = (*of_one(analysis, same), *left)
    return encounter(analysis, before, after, Level.LAUNCH, apart, more)
