"""Loops that are summarised: closed forms, invariants, and what holds behind them.

A summary lets one symbolic iteration stand for all. What the body may assign is unknown at the
head, save for what is found out about it:

* Closed forms. What changes by the same amount in every iteration is `entry + amount·k`, with k
  the number of iterations before: the variable of a `for`, and counters. The amount must have a
  meaning where there is no iteration (`64 // n` has none behind `for j in range(n)`).
* Powers of two. What enters as a power of two and is only multiplied and divided by such in the
  body stays one, or becomes zero: `stride & (stride - 1) == 0`.
* Invariants. Of a list of candidates (`invariants`) those are kept that the entry implies and the
  body preserves; each round drops what is not preserved until all are (Houdini, Flanagan and Leino
  2001).

    stride = n // 2                    k unknown; stride' unknown with
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

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from oxide_analyzer.facts.conditions import (
    FALSE,
    TRUE,
    Condition,
    Opaque,
    all_of,
    any_of,
    at_least_zero,
    condition_level,
    condition_polys,
    equal,
    less,
    negate,
)
from oxide_analyzer.facts.flow import Collected, Flow
from oxide_analyzer.facts.invariants import Counter, candidates
from oxide_analyzer.facts.join import merge
from oxide_analyzer.facts.liveness import handed_on
from oxide_analyzer.facts.polys import Atom, Level, Poly, Quotient, constant, parts_of
from oxide_analyzer.facts.powers import Exchange, exchanges, still_powers
from oxide_analyzer.facts.rounds import Repetition, Round
from oxide_analyzer.facts.state import Real, State, Value, value_level
from oxide_analyzer.facts.uniformity import assigned
from oxide_analyzer.ir.nodes import Assign, Atomic, Continue, For, Leave, Load
from oxide_analyzer.ir.walk import statements
from oxide_analyzer.proof.affine import refutes
from oxide_analyzer.proof.powers import power_condition

if TYPE_CHECKING:
    from collections.abc import Sequence

    from oxide_analyzer.facts.accesses import Position
    from oxide_analyzer.facts.invariants import Candidate
    from oxide_analyzer.facts.uniformity import Loop
    from oxide_analyzer.facts.walk import Walk
    from oxide_analyzer.ir.nodes import Expr

_QUICK = 1_500
_MOST_ROUNDS = 5


@dataclass(slots=True)
class Head:
    """The two ways out of a loop head, and the jumps that its header made."""

    entering: State | None
    leaving: State | None
    flow: Flow = field(default_factory=lambda: Flow(None))


# ---------------------------------------------------------------- one step


def _names(stmt: For) -> tuple[str, str, str]:
    key = f"%{stmt.variable.name}@{stmt.span.line}.{stmt.span.column}"
    return f"{key}.next", f"{key}.stop", f"{key}.step"


def enter(walk: Walk, stmt: Loop, state: State) -> State:
    """Evaluate what a `for` evaluates once."""
    if not isinstance(stmt, For):
        return state
    parts = (stmt.start, stmt.stop, stmt.step)
    for name, expr in zip(_names(stmt), parts, strict=True):
        state = state.assign(name, walk.evaluator.integer(expr, state))
    return state


def _counter(stmt: For, state: State) -> tuple[Poly, Poly, Poly]:
    values = [state.values[name] for name in _names(stmt)]
    following, stop, stride = values
    assert isinstance(following, Poly)
    assert isinstance(stop, Poly)
    assert isinstance(stride, Poly)
    return following, stop, stride


def at_head(walk: Walk, stmt: Loop, state: State, position: Position) -> Head:
    """Decide between another iteration and the end, running the header of a `while`."""
    if isinstance(stmt, For):
        condition = _goes_on(walk, stmt, state)
        return Head(state.under(condition), state.under(negate(condition)))
    flow = walk.block(stmt.header, state, stmt, position)
    if flow.normal is None:
        return Head(None, None, flow)
    condition = walk.evaluator.condition(stmt.condition, flow.normal)
    return Head(flow.normal.under(condition), flow.normal.under(negate(condition)), flow)


def _goes_on(walk: Walk, stmt: For, state: State) -> Condition:
    following, stop, stride = _counter(stmt, state)
    sign = _sign(walk, stride, state)
    if sign > 0:
        return less(following, stop)
    if sign < 0:
        return less(stop, following)
    return any_of(
        (
            all_of((less(constant(0), stride), less(following, stop))),
            all_of((less(stride, constant(0)), less(stop, following))),
        )
    )


def _sign(walk: Walk, stride: Poly, state: State) -> int:
    value = stride.value
    if value is not None:
        return (value > 0) - (value < 0)
    low, high = walk.evaluator.interval(stride)
    if low is not None and low > 0:
        return 1
    if high is not None and high < 0:
        return -1
    terms = walk.evaluator.launch.terms
    if refutes(terms, (*state.path, at_least_zero(-stride)), _QUICK):
        return 1
    if refutes(terms, (*state.path, at_least_zero(stride)), _QUICK):
        return -1
    return 0


def begin(walk: Walk, stmt: Loop, state: State) -> State:
    """The state at the start of the body: a `for` assigns its variable."""
    if not isinstance(stmt, For):
        return state
    del walk
    return state.assign(stmt.variable.name, state.values[_names(stmt)[0]])


def step(walk: Walk, stmt: Loop, state: State) -> State:
    """From the end of the body back to the head."""
    if not isinstance(stmt, For):
        return state
    del walk
    following, _, stride = _counter(stmt, state)
    return state.assign(_names(stmt)[0], following + stride)


# ---------------------------------------------------------------- all steps


@dataclass(slots=True)
class _Carried:
    """What is known of the locals that a loop changes, for any number of iterations."""

    entry: State
    amounts: dict[str, Poly]
    candidates: list[Candidate]
    names: tuple[str, ...]
    powers: list[str] = field(default_factory=list[str])
    exchanges: list[Exchange] = field(default_factory=list[Exchange])


def summarise(walk: Walk, stmt: Loop, entry: State, position: Position) -> Flow:
    """Run a loop any number of times from `entry`, which stands at its head."""
    trips = max(walk.uniform.trips.get(stmt, Level.THREAD), Level.GRID)
    outside = max(walk.apart, trips)
    around, walk.apart = walk.apart, Level.THREAD if walk.until is not None else outside
    collected, walk.collected = walk.collected, None
    noted = (len(walk.evaluator.may_wrap), len(walk.evaluator.reads))
    carried = _carried(walk, stmt, entry, position)
    del walk.evaluator.may_wrap[noted[0] :]
    del walk.evaluator.reads[noted[1] :]
    walk.collected = collected

    head = _any_iteration(walk, stmt, carried, walk.apart)
    count = next((a for a, of in reversed(walk.evaluator.iterations.items()) if of is stmt), None)
    passed = at_head(walk, stmt, head, position)
    walk.decide(stmt, passed.entering, passed.leaving, count)
    after = Flow(None)
    after.leave(passed.flow)
    ends = list(passed.flow.breaks)
    if passed.entering is not None:
        body = walk.block(stmt.body, begin(walk, stmt, passed.entering), stmt, position)
        after.leave(body)
        ends.extend(body.breaks)
    level, walk.apart = walk.apart, around

    end, leaving = _leave(walk, stmt, carried, outside, position)
    counts = walk.collected is not None and walk.until is None
    if counts and stmt not in walk.evaluator.repetitions:

        def run() -> Round:
            return _one_more(walk, stmt, carried, level, position)

        names = carried.names if not isinstance(stmt, For) else (*carried.names, _names(stmt)[0])
        walk.evaluator.repetitions[stmt] = Repetition(
            stmt, entry, head, end, names, level <= Level.BLOCK, run
        )
    if leaving is not None:
        ends.append(leaving)
    after.normal = merge(ends, walk.evaluator)
    return after


def _one_more(walk: Walk, stmt: Loop, carried: _Carried, level: Level, position: Position) -> Round:
    """Run the body once more, with unknowns of its own."""
    evaluator = walk.evaluator
    collected, apart = walk.collected, walk.apart
    walk.collected, walk.apart = Collected(), level
    noted = (len(evaluator.may_wrap), len(evaluator.reads))
    head = _any_iteration(walk, stmt, carried, level)
    backs = tuple(_backs(walk, stmt, head, position))
    round_ = Round(tuple(walk.collected.accesses), backs)
    del evaluator.may_wrap[noted[0] :]
    del evaluator.reads[noted[1] :]
    walk.collected, walk.apart = collected, apart
    return round_


def _leave(
    walk: Walk, stmt: Loop, carried: _Carried, level: Level, position: Position
) -> tuple[State, State | None]:
    """The head at which the loop ends, and the state behind it.

    It is another iteration than the one collected.
    """
    collected, walk.collected = walk.collected, None
    noted = len(walk.evaluator.reads)
    mark = walk.evaluator.serial()
    head = _any_iteration(walk, stmt, carried, level)
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
    return State(leaving.values, tuple(path), leaving.unassigned)


def _last_value(walk: Walk, stmt: For, entry: State, leaving: State, level: Level) -> State:
    """The variable of a `for` behind it: the last value, or as before if there was none."""
    terms = walk.evaluator.launch.terms
    name = stmt.variable.name
    following, _, stride = _counter(stmt, leaving)
    start, _, _ = _counter(stmt, entry)
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
    return State(state.values, state.path, {**state.unassigned, name: assigned_if})


def _carried(walk: Walk, stmt: Loop, entry: State, position: Position) -> _Carried:
    """Find closed forms and invariants by trial runs that collect nothing."""
    names = tuple(sorted(assigned((stmt,))))
    if isinstance(stmt, For):
        names = tuple(n for n in names if n != stmt.variable.name or n in assigned(stmt.body))
    live = handed_on(walk.kernel.body, stmt)
    integers = [n for n in names if n in live and isinstance(entry.values.get(n), Poly)]
    carried = _Carried(entry, {}, [], names)
    if not integers:
        return carried
    level = Level.THREAD
    mark = walk.evaluator.serial()
    # Whether something wraps is asked afterwards: a counter that may wrap is none.
    exact, walk.evaluator.exact = walk.evaluator.exact, True
    head = _any_iteration(walk, stmt, carried, level)
    backs = _backs(walk, stmt, head, position)
    walk.evaluator.exact = exact
    for name in integers:
        amounts = {_difference(b, head, name) for b in backs}
        amount = amounts.pop() if len(amounts) == 1 else None
        if amount is None or any(a.serial >= mark for a in amount.atoms()):
            continue
        if _has_meaning(walk, amount, entry):
            carried.amounts[name] = amount
    carried.powers = [n for n in integers if n not in carried.amounts]
    carried.powers = still_powers(head, backs, carried.powers)
    carried.powers = [n for n in carried.powers if _implied(walk, entry, _is_power(walk, entry, n))]
    open_ = [n for n in integers if n not in carried.amounts]
    carried.candidates = _candidates(walk, stmt, entry, open_, carried.amounts)
    if len(carried.powers) > 1:
        terms = walk.evaluator.launch.terms
        carried.exchanges = exchanges(terms, entry, head, backs, carried.powers)
    for _ in range(_MOST_ROUNDS):
        if not carried.candidates and not carried.amounts and not carried.powers:
            break
        head = _any_iteration(walk, stmt, carried, level)
        backs = _backs(walk, stmt, head, position)
        wrong = [
            n
            for n, d in carried.amounts.items()
            if any(_difference(b, head, n) != d for b in backs)
        ]
        kept = [c for c in carried.candidates if all(_implied(walk, b, c(b)) for b in backs)]
        powers = still_powers(head, backs, carried.powers)
        kept_exchanges = _still_exchanged(walk, head, backs, carried)
        if (
            not wrong
            and len(kept) == len(carried.candidates)
            and powers == carried.powers
            and kept_exchanges == carried.exchanges
        ):
            return carried
        carried.powers = powers
        carried.exchanges = kept_exchanges
        for name in wrong:
            del carried.amounts[name]
        carried.candidates = kept
    carried.candidates = []
    carried.amounts = {}
    carried.powers = []
    carried.exchanges = []
    return carried


def _still_exchanged(
    walk: Walk, head: State, backs: Sequence[State], carried: _Carried
) -> list[Exchange]:
    """The exchanges that every iteration makes; it is only entered where there is one to halve."""
    if not carried.exchanges:
        return []
    terms = walk.evaluator.launch.terms
    again = exchanges(terms, carried.entry, head, backs, carried.powers)
    return [
        e
        for e in carried.exchanges
        if e in again and all(_implied(walk, b, _is_positive(head, e.halved)) for b in backs)
    ]


def _is_positive(head: State, name: str) -> Condition:
    value = head.values[name]
    assert isinstance(value, Poly)
    return at_least_zero(value.shift(-1))


def _is_power(walk: Walk, state: State, name: str) -> Condition:
    value = state.values[name]
    assert isinstance(value, Poly)
    return power_condition(walk.evaluator.launch.terms, value)


def _has_meaning(walk: Walk, amount: Poly, entry: State) -> bool:
    """Whether it does before the first iteration too: a quotient has where its divisor is >= 1."""
    terms = walk.evaluator.launch.terms
    pending, seen = list(amount.atoms()), set[Atom]()
    while pending:
        atom = pending.pop()
        if atom in seen:
            continue
        seen.add(atom)
        pending.extend(a for p in parts_of(atom) for a in p.atoms())
        if isinstance(atom.form, Quotient):
            low, _ = walk.evaluator.interval(atom.form.divisor)
            none = at_least_zero(-atom.form.divisor)
            if (low is None or low < 1) and not refutes(terms, (*entry.path, none), _QUICK):
                return False
    return True


def _difference(state: State, head: State, name: str) -> Poly | None:
    after, before = state.values.get(name), head.values.get(name)
    if isinstance(after, Poly) and isinstance(before, Poly):
        return after - before
    return None


def _backs(walk: Walk, stmt: Loop, head: State, position: Position) -> list[State]:
    passed = at_head(walk, stmt, head, position)
    if passed.entering is None:
        return []
    flow = walk.block(stmt.body, begin(walk, stmt, passed.entering), stmt, position)
    return [step(walk, stmt, s) for s in (flow.normal, *flow.continues) if s]


def _implied(walk: Walk, state: State, condition: Condition) -> bool:
    if condition in (TRUE, FALSE):
        return condition == TRUE
    return refutes(walk.evaluator.launch.terms, (*state.path, negate(condition)), _QUICK)


def _candidates(
    walk: Walk, stmt: Loop, entry: State, names: Sequence[str], amounts: dict[str, Poly]
) -> list[Candidate]:
    """Invariants that hold at the entry."""
    steps = {n: (entry.values[n], d.value) for n, d in amounts.items()}
    if isinstance(stmt, For):
        start, _, stride = _counter(stmt, entry)
        steps[_names(stmt)[0]] = start, stride.value
    counters = [Counter(n, v, d) for n, (v, d) in steps.items() if d and isinstance(v, Poly)]

    def evaluate(expr: Expr) -> Poly:
        return walk.evaluator.integer(expr, entry)

    return list(
        candidates(
            stmt,
            entry,
            names,
            counters,
            evaluate,
            lambda condition: _implied(walk, entry, condition),
        )
    )


def _any_iteration(walk: Walk, stmt: Loop, carried: _Carried, level: Level) -> State:
    """The state at the head after some number of iterations."""
    evaluator = walk.evaluator
    terms = evaluator.launch.terms
    entry = carried.entry
    levels = walk.uniform.carried.get(stmt, {})
    count = terms.fresh("k", level, 0, _most_iterations(walk, stmt, entry))
    evaluator.iterations.update(dict.fromkeys(count.atoms(), stmt))
    values = dict(entry.values)
    unassigned = dict(entry.unassigned)
    if isinstance(stmt, For):
        name = _names(stmt)[0]
        start, _, stride = _counter(stmt, entry)
        values[name] = _counter_value(walk, start, stride, count)
    fresh: list[Poly] = []
    every_iteration = _assigned_by_all(stmt)
    for name in carried.names:
        before = entry.values.get(name)
        amount = carried.amounts.get(name)
        own = max(level, levels.get(name, Level.THREAD)) if level < Level.THREAD else level
        if isinstance(before, Poly) and amount is not None:
            values[name] = before + terms.multiply(count, amount)
            continue
        value = _havoc(walk, before, name, own)
        if value is None:
            # Not assigned before the loop: an earlier iteration may have done it, or has.
            values[name] = evaluator.unknown(walk.types[name], own, name)
            unassigned[name] = (
                at_least_zero(count.shift(-1))
                if name in every_iteration
                else Opaque(("earlier", str(evaluator.serial())), (), Level.THREAD)
            )
            continue
        values[name] = value
        by = evaluator.doubtful.get(name)
        if by is not None and any(s in by for s in statements((stmt,))):
            unassigned[name] = Opaque(("earlier", str(evaluator.serial())), (), Level.THREAD)
        if isinstance(value, Poly):
            fresh.append(value)
    state = State(values, entry.path, unassigned)
    for name in carried.powers:
        value = values[name]
        assert isinstance(value, Poly)
        terms.axiom(value, power_condition(terms, value))
    for exchange in carried.exchanges:
        for name in (exchange.halved, exchange.doubled):
            value = values[name]
            assert isinstance(value, Poly)
            terms.axiom(value, exchange.condition(terms, state))
    for candidate in carried.candidates:
        condition = candidate(state)
        for value in fresh:
            atoms = set(value.atoms())
            if any(a in atoms for p in condition_polys(condition) for a in p.atoms()):
                terms.axiom(value, condition)
    return state


def _assigned_by_all(stmt: Loop) -> frozenset[str]:
    """The locals that every complete iteration assigns."""
    if any(isinstance(s, (Continue, Leave)) for s in statements(stmt.body)):
        return frozenset()
    targets = (s.target for s in stmt.body if isinstance(s, (Assign, Load, Atomic)))
    return frozenset(t.name for t in targets if t is not None)


def _havoc(walk: Walk, before: Value | None, name: str, level: Level) -> Value | None:
    match before:
        case None:
            return None
        case Poly():
            type_ = walk.types.get(name)
            low, high = (type_.min, type_.max) if type_ is not None else (None, None)
            return walk.evaluator.havoc(name, level, low, high)
        case Real():
            return Real((f"{name}'{walk.evaluator.serial()}",), (), max(level, value_level(before)))
        case _:
            return Opaque((f"{name}'{walk.evaluator.serial()}",), (), level)


def _most_iterations(walk: Walk, stmt: Loop, entry: State) -> int | None:
    if not isinstance(stmt, For):
        return None
    start, stop, stride = _counter(stmt, entry)
    size = stride.value
    if size is None or size == 0:
        return None
    span = (stop - start) if size > 0 else (start - stop)
    _, high = walk.evaluator.interval(span)
    return None if high is None else max(0, -(-high // abs(size)))


def _counter_value(walk: Walk, start: Poly, stride: Poly, count: Poly) -> Poly:
    """`start + stride·count`, under one name where that is more than a sum."""
    terms = walk.evaluator.launch.terms
    if stride.value is not None:
        return start + count.scale(stride.value)
    low, _ = walk.evaluator.interval(start)
    positive = (walk.evaluator.interval(stride)[0] or 0) > 0
    level = max(start.level, stride.level, count.level)
    value = terms.fresh("i", level, low if positive else None)
    terms.axiom(value, equal(value, start + terms.multiply(count, stride)))
    walk.evaluator.counters.update(value.atoms())
    return value
