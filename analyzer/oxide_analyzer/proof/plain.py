"""Contradictions that are plain to see, without knowing anything of the atoms.

Most questions are answered here: the guard of an access is the negation of how it would fail,
and two different threads do not have equal indices.

    i < len(a),  i >= len(a)                    len(a) - i - 1 >= 0  and  i - len(a) >= 0
    t$1 == t$2,  t$1 != t$2 or false            the equation makes every branch false
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from oxide_analyzer.facts.conditions import AllOf, AnyOf, AtLeastZero, Condition, IsZero, NotZero

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from oxide_analyzer.facts.polys import Monomial, Poly


def plainly_contradict(hypotheses: Sequence[Condition]) -> bool:
    """Whether two of the conditions, or one with an equation, contradict each other as written."""
    least: dict[frozenset[tuple[Monomial, int]], int] = {}
    zero: set[Poly] = set()
    choices: list[AnyOf | NotZero] = []
    pending = list(hypotheses)
    while pending:
        condition = pending.pop()
        match condition:
            case AtLeastZero(poly=p):
                linear = p.slope
                opposite = least.get(p.opposite)
                if opposite is not None and p.offset + opposite < 0:
                    return True
                known = least.get(linear)
                if known is None or p.offset < known:
                    least[linear] = p.offset
            case IsZero(poly=p):
                zero.add(p)
                zero.add(-p)
            case AllOf(parts=parts):
                pending.extend(parts)
            case AnyOf() | NotZero():
                choices.append(condition)
            case _:
                pass
    return bool(zero) and any(_is_false(choice, zero) for choice in choices)


def _is_false(condition: Condition, zero: set[Poly]) -> bool:
    match condition:
        case NotZero(poly=p):
            return p in zero
        case AnyOf(parts=parts):
            return _all_false(parts, zero)
        case AllOf(parts=parts):
            return any(_is_false(c, zero) for c in parts)
        case _:
            return False


def _all_false(parts: Iterable[Condition], zero: set[Poly]) -> bool:
    return all(_is_false(c, zero) for c in parts)
