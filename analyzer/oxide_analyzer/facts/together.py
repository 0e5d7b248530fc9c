"""Which branches all threads of a group take alike, though their conditions look private.

`if thread.x < 64` is a condition of the thread; of a warp it takes all threads or none. Two
threads of one group that come to a branch in the same iteration of every loop round it, and go
different ways, would be

    t$1 < 64,  not t$2 < 64,  t$1 // 32 == t$2 // 32

which is contradictory, so warps stay together. What is one value for the group is one variable of
both; the others are renamed apart, so nothing is assumed of them.

The head of a loop is asked with the number of the iteration shared: if in every iteration all
threads that came to its head go on, or all leave, then by induction they go round equally often
(`for j in range(lane, 64, 32)` twice). Jumps out of the loop are branches of their own.

Asked of the branches that keep threads from where they must meet, and of the loops round those;
approximates towards "differently".
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from oxide_analyzer.facts.conditions import Condition, equal
from oxide_analyzer.facts.polys import Level, Poly, Variable
from oxide_analyzer.facts.terms import Substitution
from oxide_analyzer.facts.uniformity import group_of
from oxide_analyzer.proof.affine import refutes

if TYPE_CHECKING:
    from collections.abc import Mapping

    from oxide_analyzer.facts.accesses import Decision
    from oxide_analyzer.facts.flow import Collected
    from oxide_analyzer.facts.launch_terms import LaunchTerms
    from oxide_analyzer.facts.uniformity import Uniformity
    from oxide_analyzer.ir.nodes import Stmt

_STEPS = 3_000


def alike(
    launch: LaunchTerms, uniform: Uniformity, seen: Collected, known: Mapping[Stmt, Level]
) -> dict[Stmt, Level]:
    """Branches and loops with the group that takes them alike, where that is news."""
    wanted: dict[tuple[Stmt, Level], None] = {}
    for arrival in seen.arrivals:
        group = group_of(arrival.stmt)
        for parting in uniform.divergent.get(arrival.stmt.site, ()):
            for way in parting.ways:
                if way.level > group:
                    wanted[way.stmt, group] = None
    found: dict[Stmt, Level] = {}
    for stmt, group in wanted:
        if known.get(stmt, Level.THREAD) <= group:
            continue
        decisions = [d for d in seen.decisions if d.stmt is stmt]
        if decisions and all(
            refutes(launch.terms, query, _STEPS)
            for decision in decisions
            for query in differently(launch, decision, group)
        ):
            found[stmt] = min(group, found.get(stmt, Level.THREAD))
    return found


def differently(
    launch: LaunchTerms, decision: Decision, group: Level
) -> tuple[tuple[Condition, ...], ...]:
    """How two threads of a group would decide differently: contradictory, if they do not."""
    if decision.taken is None or decision.other is None:
        return ()
    taken, other = decision.taken, decision.other
    count = decision.count
    if count is not None and isinstance(count.form, Variable):
        form = count.form
        shared = launch.terms.fresh(form.name, Level.LAUNCH, form.low, form.high)
        put = Substitution(launch.terms, {count: shared})
        taken, other = (tuple(put.condition(c) for c in way) for way in (taken, other))
    return ((*apart(launch, taken, other, group), *same_warp(launch, group)),)


def apart(
    launch: LaunchTerms, first: tuple[Condition, ...], second: tuple[Condition, ...], group: Level
) -> tuple[Condition, ...]:
    """The conditions of two threads of a group, in the same iteration of what they share."""
    terms = launch.terms
    return (
        *(terms.rename_condition(c, "$1", group) for c in first),
        *(terms.rename_condition(c, "$2", group) for c in second),
    )


def same_warp(launch: LaunchTerms, shared: Level) -> tuple[Condition, ...]:
    """That the threads `$1` and `$2` are of one warp, if what they share is a warp's."""
    if shared is not Level.WARP:
        return ()
    first, second = warps(launch, shared)
    return (equal(first, second),)


def warps(launch: LaunchTerms, shared: Level) -> tuple[Poly, Poly]:
    """The warps of the threads `$1` and `$2`, which share what is at most `shared`."""
    rename = launch.terms.rename
    return rename(launch.warp, "$1", shared), rename(launch.warp, "$2", shared)
