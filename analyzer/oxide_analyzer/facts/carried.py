"""What a loop carries: of the locals that its body may assign, what holds in any iteration.

A summary lets one symbolic iteration stand for all. What the body may assign is unknown at the
head, save for what trial runs, which collect nothing, find out about it:

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
        stride //= 2
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from oxide_analyzer.facts.conditions import (
    FALSE,
    TRUE,
    Condition,
    Opaque,
    at_least_zero,
    condition_atoms,
    equal,
)
from oxide_analyzer.facts.invariants import Counter, candidates
from oxide_analyzer.facts.liveness import handed_on
from oxide_analyzer.facts.loop_heads import at_head, begin, counter_names, counter_of, step
from oxide_analyzer.facts.polys import Atom, Bits, Element, Level, Poly, Quotient, parts_of
from oxide_analyzer.facts.powers import Exchange, exchanges, still_powers
from oxide_analyzer.facts.state import Real, State, Value, value_level
from oxide_analyzer.facts.uniformity import assigned
from oxide_analyzer.ir.nodes import Assign, Atomic, Continue, For, Leave, Load
from oxide_analyzer.ir.walk import statements
from oxide_analyzer.proof.affine import refutes
from oxide_analyzer.proof.paths import follows
from oxide_analyzer.proof.powers import power_condition

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from oxide_analyzer.facts.accesses import Position
    from oxide_analyzer.facts.invariants import Candidate
    from oxide_analyzer.facts.uniformity import Loop
    from oxide_analyzer.facts.walk import Walk
    from oxide_analyzer.ir.nodes import Expr

_QUICK = 3_000
_MOST_ROUNDS = 5


@dataclass(slots=True)
class Carried:
    """What is known of the locals that a loop changes, for any number of iterations."""

    entry: State
    amounts: dict[str, Poly]
    candidates: list[Candidate]
    names: tuple[str, ...]
    powers: list[str] = field(default_factory=list[str])
    exchanges: list[Exchange] = field(default_factory=list[Exchange])


def find_carried(walk: Walk, stmt: Loop, entry: State, position: Position) -> Carried:
    """Find closed forms and invariants by trial runs that collect nothing.

    The walk through the whole and those of intervals mostly enter a loop with the same values, and
    what is found for them is the same: only where a walk stops inside may it differ.
    """
    if stmt in walk.round_stops:
        return _found(walk, stmt, entry, position)
    unassigned = tuple(entry.unassigned.items())
    key = stmt, tuple(entry.values.items()), entry.path, unassigned, walk.is_brief
    known = walk.evaluator.carried.get(key)
    if known is not None:
        return replace(known, entry=entry)
    found = walk.evaluator.carried[key] = _found(walk, stmt, entry, position)
    return found


def _found(walk: Walk, stmt: Loop, entry: State, position: Position) -> Carried:
    names = tuple(sorted(assigned((stmt,))))
    if isinstance(stmt, For):
        names = tuple(n for n in names if n != stmt.variable.name or n in assigned(stmt.body))
    live = handed_on(walk.kernel.body, stmt)
    integers = [n for n in names if n in live and isinstance(entry.values.get(n), Poly)]
    carried = Carried(entry, {}, [], names)
    if not integers:
        return carried
    level = Level.THREAD
    mark = walk.evaluator.serial()
    # Whether something wraps is asked afterwards: a counter that may wrap is none.
    exact, walk.evaluator.exact = walk.evaluator.exact, True
    head = any_iteration(walk, stmt, carried, level)
    backs = backs_of(walk, stmt, head, position)
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
        head = any_iteration(walk, stmt, carried, level)
        backs = backs_of(walk, stmt, head, position)
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
    walk: Walk, head: State, backs: Sequence[State], carried: Carried
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
    """Whether it has one before the first iteration too.

    What is known of an atom holds where it has a meaning: of a quotient where its divisor is at
    least 1, of a power of two from a shift where it is shifted by no less than nothing and not out
    of its range, of a declared element where the index is inside of its array.
    """
    terms = walk.evaluator.launch.terms
    pending, seen = list(amount.atoms()), set[Atom]()
    while pending:
        atom = pending.pop()
        if atom in seen:
            continue
        seen.add(atom)
        pending.extend(a for p in parts_of(atom) for a in p.atoms())
        for needed in _needed(walk, atom):
            low, _ = walk.evaluator.interval(needed)
            if (low is None or low < 0) and not refutes(
                terms, (*entry.path, at_least_zero((-needed).shift(-1))), _QUICK
            ):
                return False
    return True


def _needed(walk: Walk, atom: Atom) -> Iterator[Poly]:
    """What is at least zero wherever an atom has a meaning."""
    match atom.form:
        case Quotient(divisor=divisor):
            yield divisor.shift(-1)
        case Bits(op="<<", right=amount, low=low, high=high) if low > 0:
            yield amount
            yield (-amount).shift(high.bit_length() - 1)
        case Element(array=array, index=index) if walk.evaluator.launch.terms.within.get(array):
            for axis, place in enumerate(index):
                yield place
                yield (walk.evaluator.launch.dimension(array, axis) - place).shift(-1)
        case _:
            pass


def _difference(state: State, head: State, name: str) -> Poly | None:
    after, before = state.values.get(name), head.values.get(name)
    if isinstance(after, Poly) and isinstance(before, Poly):
        return after - before
    return None


def backs_of(walk: Walk, stmt: Loop, head: State, position: Position) -> list[State]:
    """The states in which the body comes back to the head."""
    passed = at_head(walk, stmt, head, position)
    if passed.entering is None:
        return []
    flow = walk.block(stmt.body, begin(walk, stmt, passed.entering), stmt, position)
    return [step(walk, stmt, s) for s in (flow.normal, *flow.continues) if s]


def _implied(walk: Walk, state: State, condition: Condition) -> bool:
    if condition in (TRUE, FALSE):
        return condition == TRUE
    return follows(walk.evaluator.launch.terms, state.path, condition, _QUICK)


def _candidates(
    walk: Walk, stmt: Loop, entry: State, names: Sequence[str], amounts: dict[str, Poly]
) -> list[Candidate]:
    """Invariants that hold at the entry."""
    steps = {n: (entry.values[n], d.value) for n, d in amounts.items()}
    if isinstance(stmt, For):
        start, _, stride = counter_of(stmt, entry)
        steps[counter_names(stmt)[0]] = start, stride.value
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


def any_iteration(walk: Walk, stmt: Loop, carried: Carried, level: Level) -> State:
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
        name = counter_names(stmt)[0]
        start, _, stride = counter_of(stmt, entry)
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
    state = State(values, entry.path, unassigned, entry.under_way)
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
        atoms = condition_atoms(condition)
        about = [value for value in fresh if any(a in atoms for a in value.atoms())]
        # What speaks of counters alone is known of how often they have counted.
        for value in about or [count]:
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
    start, stop, stride = counter_of(stmt, entry)
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
