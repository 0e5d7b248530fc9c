"""Loops that are summarised: one symbolic iteration for all, and what holds behind them.

What is known of the iteration is what the loop carries (`carried`); behind the loop it is another
one, at whose head the loop ends.

    stride = n // 2                    stride' unknown with
    while stride > 0:                      stride' <= n // 2,  stride' >= 0
        ...
        stride //= 2                   behind the loop another unknown with the same facts
                                       and not stride'' > 0

Variables of an iteration are shared by the threads of a block where uniformity says that their
values are equal in the same iteration, and by those of a warp or of the grid likewise; in a walk
from one barrier to the next each thread has its own, and so it does in a loop, or within one,
that threads leave in different iterations: what they take along from their last iteration is then
not of one iteration.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from oxide_analyzer.facts.carried import any_iteration, backs_of, find_carried
from oxide_analyzer.facts.conditions import (
    FALSE,
    TRUE,
    all_of,
    any_of,
    condition_level,
    condition_polys,
    equal,
    negate,
)
from oxide_analyzer.facts.flow import Collected, Flow
from oxide_analyzer.facts.join import merge
from oxide_analyzer.facts.loop_heads import at_head, begin, counter_names, counter_of
from oxide_analyzer.facts.polys import Level, Poly
from oxide_analyzer.facts.rounds import Repetition, Round
from oxide_analyzer.facts.state import State, value_level
from oxide_analyzer.facts.under_way import Rounds, changes_them, left_behind
from oxide_analyzer.facts.under_way import at_head as at_head_of
from oxide_analyzer.facts.uniformity import assigned
from oxide_analyzer.ir.nodes import For

if TYPE_CHECKING:
    from oxide_analyzer.facts.accesses import Position
    from oxide_analyzer.facts.carried import Carried
    from oxide_analyzer.facts.uniformity import Loop
    from oxide_analyzer.facts.walk import Walk


def summarise(walk: Walk, stmt: Loop, entry: State, position: Position) -> Flow:
    """Run a loop any number of times from `entry`, which stands at its head."""
    trips = max(walk.uniform.trips.get(stmt, Level.THREAD), Level.GRID)
    outside = max(walk.apart, trips)
    around, walk.apart = walk.apart, Level.THREAD if walk.until is not None else outside
    collected, walk.collected = walk.collected, None
    noted = (len(walk.evaluator.may_wrap), len(walk.evaluator.reads))
    tracks, walk.tracks = walk.tracks, False
    carried = find_carried(walk, stmt, entry, position)
    walk.tracks = tracks
    del walk.evaluator.may_wrap[noted[0] :]
    del walk.evaluator.reads[noted[1] :]
    walk.collected = collected

    mark = walk.evaluator.serial() if walk.tracks else 0
    head = any_iteration(walk, stmt, carried, walk.apart)
    count = next((a for a, of in reversed(walk.evaluator.iterations.items()) if of is stmt), None)
    head = _with_copies(walk, stmt, carried, head, position)
    passed = at_head(walk, stmt, head, position)
    walk.decide(stmt, passed.entering, passed.leaving, count)
    after = Flow(None)
    after.leave(passed.flow)
    ends = list(passed.flow.breaks)
    if passed.entering is not None:
        body = walk.block(stmt.body, begin(walk, stmt, passed.entering), stmt, position)
        after.leave(body)
        ends.extend(body.breaks)
    if walk.tracks:
        ends = [left_behind(walk.evaluator, s, mark) for s in ends]
        for label, states in after.leaves.items():
            after.leaves[label] = [left_behind(walk.evaluator, s, mark) for s in states]
    level, walk.apart = walk.apart, around

    end, leaving = _leave(walk, stmt, carried, outside, position)
    seen = walk.collected
    if seen is not None and walk.until is None and stmt not in seen.repetitions:
        rounds: dict[int, Round] = {}

        def run(head: State) -> Round:
            # Each head has a round before it of its own, the same whoever asks.
            if id(head) not in rounds:
                rounds[id(head)] = _one_more(walk, stmt, carried, level, position)
            return rounds[id(head)]

        names = (
            carried.names if not isinstance(stmt, For) else (*carried.names, counter_names(stmt)[0])
        )
        seen.repetitions[stmt] = Repetition(
            stmt, entry, head, end, names, level <= Level.BLOCK, run
        )
    if leaving is not None:
        ends.append(leaving)
    after.normal = merge(ends, walk.evaluator)
    return after


def _with_copies(
    walk: Walk, stmt: Loop, carried: Carried, head: State, position: Position
) -> State:
    """The head that was made last, with the copies that may be under way there."""
    if not walk.tracks or not changes_them(stmt):
        return head
    evaluator = walk.evaluator

    def count() -> Poly:
        latest = next(a for a, of in reversed(evaluator.iterations.items()) if of is stmt)
        return Poly({(latest,): 1})

    def again() -> tuple[State, Poly]:
        before = any_iteration(walk, stmt, carried, walk.apart)
        return replace(before, under_way=()), count()

    def run(start: State) -> list[State]:
        collected, walk.collected = walk.collected, None
        is_brief, walk.is_brief = walk.is_brief, True
        noted = (len(evaluator.may_wrap), len(evaluator.reads))
        backs = backs_of(walk, stmt, start, position)
        del evaluator.may_wrap[noted[0] :]
        del evaluator.reads[noted[1] :]
        walk.collected, walk.is_brief = collected, is_brief
        return backs

    rounds = Rounds(stmt, carried.entry, carried.names, again, run)
    return at_head_of(evaluator, rounds, head, count())


def _one_more(walk: Walk, stmt: Loop, carried: Carried, level: Level, position: Position) -> Round:
    """Run the body once more, with unknowns of its own."""
    evaluator = walk.evaluator
    collected, apart = walk.collected, walk.apart
    walk.collected, walk.apart = Collected(), level
    tracks, walk.tracks = walk.tracks, False
    noted = (len(evaluator.may_wrap), len(evaluator.reads))
    head = any_iteration(walk, stmt, carried, level)
    backs = tuple(backs_of(walk, stmt, head, position))
    round_ = Round(tuple(walk.collected.accesses), backs)
    del evaluator.may_wrap[noted[0] :]
    del evaluator.reads[noted[1] :]
    walk.collected, walk.apart, walk.tracks = collected, apart, tracks
    return round_


def _leave(
    walk: Walk, stmt: Loop, carried: Carried, level: Level, position: Position
) -> tuple[State, State | None]:
    """The head at which the loop ends, and the state behind it.

    It is another iteration than the one collected.
    """
    collected, walk.collected = walk.collected, None
    noted = len(walk.evaluator.reads)
    mark = walk.evaluator.serial()
    head = any_iteration(walk, stmt, carried, level)
    head = _with_copies(walk, stmt, carried, head, position)
    passed = at_head(walk, stmt, head, position)
    del walk.evaluator.reads[noted:]
    walk.collected = collected
    if passed.leaving is None:
        return head, None
    leaving = _as_axioms(walk, carried.entry, passed.leaving, mark)
    if not isinstance(stmt, For):
        return head, leaving
    return head, _last_value(walk, stmt, carried.entry, leaving, level)


def _as_axioms(walk: Walk, entry: State, leaving: State, mark: int) -> State:
    """Turn the condition that ended a loop into an axiom of the values that it ended with.

    It is no decision that leads anywhere, as the conditions of a path are: every loop that ends
    ends so. Where it mentions no such value, it stays in the path. Values from before the loop,
    older than `mark`, get no axiom: what ended the loop need not hold before it and within.
    """
    evaluator = walk.evaluator
    path = list(entry.path)
    for condition in leaving.path[len(entry.path) :]:
        level = condition_level(condition)
        ended = [
            atom
            for poly in condition_polys(condition)
            for atom in poly.atoms()
            if atom in evaluator.iterations
            or atom in evaluator.counters
            or atom in evaluator.undetermined
        ]
        ended = [atom for atom in ended if atom.level >= level and atom.serial > mark]
        for atom in dict.fromkeys(ended):
            evaluator.launch.terms.axiom(Poly({(atom,): 1}), condition)
        if not ended:
            path.append(condition)
    return State(leaving.values, tuple(path), leaving.unassigned, leaving.under_way)


def _last_value(walk: Walk, stmt: For, entry: State, leaving: State, level: Level) -> State:
    """The variable of a `for` behind it: the last value, or as before if there was none."""
    terms = walk.evaluator.launch.terms
    name = stmt.variable.name
    following, _, stride = counter_of(stmt, leaving)
    start, _, _ = counter_of(stmt, entry)
    none = equal(following, start)
    before = entry.values.get(name)
    if before is not None:
        level = max(level, value_level(before))
    if name in assigned(stmt.body):
        carried = walk.uniform.carried.get(stmt, {})
        own = max(level, carried.get(name, Level.THREAD))
        last = walk.evaluator.unknown(stmt.variable.type, own, name)
    else:
        value = terms.fresh(name, max(level, following.level, stride.level))
        old = (none, equal(value, before)) if isinstance(before, Poly) else (none,)
        terms.axiom(
            value,
            any_of((all_of((negate(none), equal(value, following - stride))), all_of(old))),
        )
        last = value
    state = leaving.assign(name, last)
    held = FALSE if before is None else entry.unassigned.get(name, TRUE)
    if held == TRUE:
        return state
    assigned_if = any_of((negate(none), held))
    unassigned = {**state.unassigned, name: assigned_if}
    return State(state.values, state.path, unassigned, state.under_way)
