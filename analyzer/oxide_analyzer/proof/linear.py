"""Linear inequalities over the integers: is a set of them contradictory?

Monomials are the unknowns; that `x*y` is a product is the caller's business. The method is
Fourier-Motzkin elimination with integer tightening: `2x - 3 >= 0` is `x - 2 >= 0`, because the
coefficients' divisor divides the rest downwards. It is sound, and incomplete only where the
rationals have a solution and the integers do not, or where the budget ends.

    x - y - 1 >= 0,  y - z >= 0,  z - x >= 0      eliminate x:  z - y - 1 >= 0
                                                  eliminate z:  -1 >= 0, contradiction
"""

from __future__ import annotations

from dataclasses import dataclass, field
from math import gcd
from typing import TYPE_CHECKING, TypeAlias

from oxide_analyzer import deadline
from oxide_analyzer.proof.allowance import Allowance, current

if TYPE_CHECKING:
    from collections.abc import Sequence

    from oxide_analyzer.facts.polys import Monomial, Poly


@dataclass(slots=True)
class Budget:
    """Steps that may still be spent; verdicts depend on steps, never on time.

    `reserve` is set free once, for a method that is only worth it where the others failed. What
    is spent counts for the `allowance` of the kernel too.
    """

    steps: int
    reserve: int = 0
    allowance: Allowance = field(default_factory=current)

    def spend(self, steps: int) -> bool:
        """Take `steps`; false once nothing is left."""
        self.allowance.steps += steps
        self.steps -= steps
        return self.steps >= 0

    def release(self) -> None:
        """Spend from the reserve from here on."""
        self.steps = max(self.steps, 0) + self.reserve
        self.reserve = 0


# The most inequalities that an elimination may hold before it gives up.
_MOST_ROWS = 220

# An unknown has coefficients other than one among its lower and among its upper bounds.
_BOTH = 3

# The left side of `left + offset >= 0`, by numbers of unknowns, and its offset.
_Rows: TypeAlias = dict[frozenset[tuple[int, int]], int]


def contradictory(inequalities: Sequence[Poly], budget: Budget) -> bool:
    """Whether no integers make every polynomial of `inequalities` at least zero."""
    deadline.check()
    unknowns = sorted({m for p in inequalities for m in p.terms if m}, key=_order)
    numbers = {m: number for number, m in enumerate(unknowns)}
    rows: _Rows = {}
    for poly in inequalities:
        terms = {numbers[m]: c for m, c in poly.terms.items() if m}
        if not _insert(rows, terms, poly.offset):
            return True
    while rows:
        if not budget.spend(len(rows)):
            return False
        pivot = _pivot(rows)
        if pivot is None:
            return False
        positive: list[tuple[dict[int, int], int, int]] = []
        negative: list[tuple[dict[int, int], int, int]] = []
        rest: _Rows = {}
        for linear, offset in rows.items():
            for unknown, coefficient in linear:
                if unknown == pivot:
                    terms = dict(linear)
                    del terms[pivot]
                    if coefficient > 0:
                        positive.append((terms, offset, coefficient))
                    else:
                        negative.append((terms, offset, -coefficient))
                    break
            else:
                rest[linear] = offset
        if len(positive) * len(negative) + len(rest) > _MOST_ROWS:
            return False
        budget.spend(len(positive) * len(negative))
        for low_terms, low_offset, low in positive:
            for high_terms, high_offset, high in negative:
                common = gcd(low, high)
                up, down = high // common, low // common
                terms = {m: c * up for m, c in low_terms.items()}
                for monomial, value in high_terms.items():
                    total = terms.get(monomial, 0) + value * down
                    if total:
                        terms[monomial] = total
                    else:
                        del terms[monomial]
                if not _insert(rest, terms, low_offset * up + high_offset * down):
                    return True
        rows = rest
    return False


def _insert(rows: _Rows, terms: dict[int, int], offset: int) -> bool:
    """Add `terms + offset >= 0`, keeping the strongest of each left side; false if absurd."""
    if not terms:
        return offset >= 0
    divisor = gcd(*terms.values())
    if divisor > 1:
        terms = {m: c // divisor for m, c in terms.items()}
        offset //= divisor
    key = frozenset(terms.items())
    known = rows.get(key)
    if known is not None and known <= offset:
        return True
    # x >= a and x <= b with b < a need no elimination to be seen.
    opposite = rows.get(frozenset([(m, -c) for m, c in terms.items()]))
    if opposite is not None and opposite + offset < 0:
        return False
    rows[key] = offset
    return True


def _pivot(rows: _Rows) -> int | None:
    """The unknown to eliminate next, or None if nothing is left.

    Rows with an unknown that is bounded on one side only can always be fulfilled, and go.
    """
    while rows:
        above: dict[int, int] = {}
        below: dict[int, int] = {}
        inexact: dict[int, int] = {}
        for linear in rows:
            for unknown, coefficient in linear:
                side = above if coefficient > 0 else below
                side[unknown] = side.get(unknown, 0) + 1
                if not -1 <= coefficient <= 1:
                    inexact[unknown] = inexact.get(unknown, 0) | (1 if coefficient > 0 else 2)
        free = above.keys() ^ below.keys()
        if not free:
            # With a coefficient of one on either side nothing of the integers is lost.
            return min(
                above,
                key=lambda m: (
                    inexact.get(m) == _BOTH,
                    above[m] * below[m] - above[m] - below[m],
                    m,
                ),
            )
        for linear in [r for r in rows if any(m in free for m, _ in r)]:
            del rows[linear]
    return None


def _order(monomial: Monomial) -> tuple[int, ...]:
    return tuple(a.serial for a in monomial)
