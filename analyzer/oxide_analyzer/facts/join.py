"""Where paths meet: one state that stands for several.

    if c:  x = a        behind it  x is an unknown v with  (c and v == a) or (not c and v == b)
    else:  x = b

Conditions that all paths share stay as they are; of what differs, one of the alternatives holds.
What is not assigned on one of the paths may be anything there.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from oxide_analyzer.facts.conditions import (
    FALSE,
    TRUE,
    Condition,
    Opaque,
    all_of,
    any_of,
    condition_level,
    equal,
    negate,
)
from oxide_analyzer.facts.polys import Level, Poly
from oxide_analyzer.facts.state import Real, State, Value, value_level
from oxide_analyzer.facts.under_way import joined

if TYPE_CHECKING:
    from collections.abc import Sequence

    from oxide_analyzer.facts.values import Evaluator


def merge(states: Sequence[State], evaluator: Evaluator) -> State | None:
    """The state that any of `states` may be."""
    if not states:
        return None
    if len(states) == 1:
        return states[0]
    shared = _common_prefix(states)
    sides = [all_of(s.path[shared:]) for s in states]
    level = max(condition_level(c) for c in sides)
    opposite = len(states) == 2 and _are_opposite(sides[0], sides[1])
    exclusive = opposite or (len(states) == 2 and _exclude(sides[0], sides[1]))
    path = states[0].path[:shared]
    either = TRUE if opposite else any_of(sides)
    if either != TRUE:
        path = (*path, either)
    values: dict[str, Value] = {}
    unassigned: dict[str, Condition] = {}
    first, others = states[0], states[1:]
    doubtful = {n for s in states for n in s.unassigned}
    for name in dict.fromkeys(n for s in states for n in s.values):
        value = first.values.get(name)
        if value is not None and all(_is_same(value, s.values.get(name)) for s in others):
            values[name] = value
            if name not in doubtful:
                continue
            found: list[Value | None] = [value] * len(states)
        else:
            found = [s.values.get(name) for s in states]
            values[name] = _join(name, found, sides, level, exclusive, evaluator)
        assigned = [
            FALSE if v is None else s.unassigned.get(name, TRUE)
            for s, v in zip(states, found, strict=True)
        ]
        if any(a != TRUE for a in assigned):
            unassigned[name] = (
                assigned[0]
                if all(a == assigned[0] for a in assigned)
                else any_of(all_of((side, a)) for side, a in zip(sides, assigned, strict=True))
                if exclusive
                else Opaque(("assigned", str(evaluator.serial())), (), Level.THREAD)
            )
    return State(values, path, unassigned, joined(states, sides))


def _is_same(value: Value, other: Value | None) -> bool:
    return value is other or value == other


def _join(
    name: str,
    found: Sequence[Value | None],
    sides: Sequence[Condition],
    level: Level,
    exclusive: bool,
    evaluator: Evaluator,
) -> Value:
    present = [v for v in found if v is not None]
    level = max(level, *(value_level(v) for v in present))
    first = present[0]
    if isinstance(first, Poly):
        terms = evaluator.launch.terms
        unassigned = len(present) < len(found)
        bounds = [evaluator.interval(v) for v in present if isinstance(v, Poly)]
        if unassigned:
            bounds.append(evaluator.range_of(name))
        lows, highs = [b[0] for b in bounds], [b[1] for b in bounds]
        result = terms.fresh(
            name,
            level,
            None if None in lows else min(x for x in lows if x is not None),
            None if None in highs else max(x for x in highs if x is not None),
        )
        alternatives = [
            all_of((side, equal(result, v)) if isinstance(v, Poly) else (side,))
            for side, v in zip(sides, found, strict=True)
        ]
        terms.axiom(result, any_of(alternatives))
        return result
    if isinstance(first, Real):
        return Real((f"{name}'{evaluator.serial()}",), (), level)
    conditions = [v for v in found if v is not None and not isinstance(v, (Poly, Real))]
    if exclusive and len(conditions) == len(found):
        return any_of(all_of((s, c)) for s, c in zip(sides, conditions, strict=True))
    return Opaque((f"{name}'{evaluator.serial()}",), (), level)


def _common_prefix(states: Sequence[State]) -> int:
    shortest = min(len(s.path) for s in states)
    first = states[0].path
    for index in range(shortest):
        if any(s.path[index] != first[index] for s in states[1:]):
            return index
    return shortest


def _are_opposite(left: Condition, right: Condition) -> bool:
    return negate(left) == right or negate(right) == left


def _exclude(left: Condition, right: Condition) -> bool:
    """Whether both sides plainly cannot hold at once."""
    return (
        _parts(negate(left)) <= _parts(right)
        or _parts(negate(right)) <= _parts(left)
        or any(negate(c) in _parts(right) for c in _parts(left))
    )


def _parts(condition: Condition) -> frozenset[Condition]:
    from oxide_analyzer.facts.conditions import AllOf

    return frozenset(condition.parts) if isinstance(condition, AllOf) else frozenset({condition})
