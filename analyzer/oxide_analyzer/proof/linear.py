"""Linear inequalities over the integers: is a set of them contradictory?

Monomials are the unknowns; that `x*y` is a product is the caller's business. The method is
Fourier-Motzkin elimination with integer tightening: `2x - 3 >= 0` is `x - 2 >= 0`, because the
coefficients' divisor divides the rest downwards. It is sound, and incomplete only where the
rationals have a solution and the integers do not, or where the budget ends. Most sets are
fulfilled by a point near their lower bounds, which is looked for first.

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
# What that counts more than any number of new rows, and more than any unknown costs.
_INEXACT = 1 << 30
_DEAREST = 1 << 40
# So often each row is looked at for a point that fulfils all.
_ROUNDS = 3


def contradictory(inequalities: Sequence[Poly], budget: Budget) -> bool:
    """Whether no integers make every polynomial of `inequalities` at least zero.

    What has been asked in a kernel is not computed again: branches and cases share most of what
    they ask. It costs the steps that it took, so no verdict depends on what was asked before.
    """
    deadline.check()
    known = budget.allowance.contradictory
    key = frozenset(inequalities)
    found = known.get(key)
    if found is not None:
        answer, steps = found
        return budget.spend(steps) and answer
    before = budget.steps
    answer = _contradictory(inequalities, budget)
    if budget.steps >= 0:
        known[key] = answer, before - budget.steps
    return answer


class _Rows:
    """Inequalities by numbers of unknowns: of each left side the strongest.

    Most bound one unknown. Those that bound a sum are kept by the sum as `(offset, sum)`.
    """

    __slots__ = ("highs", "lows", "sums")

    def __init__(self) -> None:
        self.lows: dict[int, int] = {}
        self.highs: dict[int, int] = {}
        self.sums: dict[frozenset[tuple[int, int]], tuple[int, dict[int, int]]] = {}

    def __len__(self) -> int:
        return len(self.lows) + len(self.highs) + len(self.sums)

    def insert(self, terms: dict[int, int], offset: int) -> bool:
        """Add `terms + offset >= 0`; false if absurd. The rows keep `terms`."""
        if len(terms) == 1:
            ((unknown, coefficient),) = terms.items()
            lows, highs = self.lows, self.highs
            if coefficient > 0:
                low = -(offset // coefficient)
                if lows.get(unknown, low - 1) < low:
                    lows[unknown] = low
                    return highs.get(unknown, low) >= low
            else:
                high = offset // -coefficient
                if highs.get(unknown, high + 1) > high:
                    highs[unknown] = high
                    return lows.get(unknown, high) <= high
            return True
        if not terms:
            return offset >= 0
        divisor = gcd(*terms.values())
        if divisor > 1:
            terms = {m: c // divisor for m, c in terms.items()}
            offset //= divisor
        key = frozenset(terms.items())
        known = self.sums.get(key)
        if known is not None and known[0] <= offset:
            return True
        # x + y >= a and x + y <= b with b < a need no elimination to be seen.
        opposite = self.sums.get(frozenset([(m, -c) for m, c in terms.items()]))
        if opposite is not None and opposite[0] + offset < 0:
            return False
        self.sums[key] = offset, terms
        return True

    def take(self, unknown: int) -> tuple[list[_Side], list[_Side]]:
        """Remove the rows with an unknown: those that bound it from below, and from above."""
        above: list[_Side] = []
        below: list[_Side] = []
        low, high = self.lows.pop(unknown, None), self.highs.pop(unknown, None)
        if low is not None:
            above.append(({}, -low, 1))
        if high is not None:
            below.append(({}, high, 1))
        taken = [key for key, (_, terms) in self.sums.items() if unknown in terms]
        for key in taken:
            offset, terms = self.sums.pop(key)
            coefficient = terms.pop(unknown)
            if coefficient > 0:
                above.append((terms, offset, coefficient))
            else:
                below.append((terms, offset, -coefficient))
        return above, below

    def drop(self, unknowns: Sequence[int]) -> None:
        """Remove the rows with any of these unknowns."""
        for unknown in unknowns:
            self.lows.pop(unknown, None)
            self.highs.pop(unknown, None)
        if self.sums:
            gone = frozenset(unknowns)
            for key in [k for k, (_, terms) in self.sums.items() if not gone.isdisjoint(terms)]:
                del self.sums[key]


# A row without one of its unknowns: what is left of its sum, its offset, and the size of the
# coefficient.
_Side: TypeAlias = tuple[dict[int, int], int, int]


def _contradictory(inequalities: Sequence[Poly], budget: Budget) -> bool:
    unknowns = sorted({m for p in inequalities for m in p.terms if m}, key=_order)
    numbers = {m: number for number, m in enumerate(unknowns)}
    rows = _Rows()
    insert = rows.insert
    for poly in inequalities:
        terms: dict[int, int] = {}
        offset = 0
        for monomial, coefficient in poly.terms.items():
            if monomial:
                terms[numbers[monomial]] = coefficient
            else:
                offset = coefficient
        if not insert(terms, offset):
            return True
    if _has_point(rows):
        budget.spend(len(rows))
        return False
    while len(rows):
        if not budget.spend(len(rows)):
            return False
        pivot = _pivot(rows, len(unknowns))
        if pivot is None:
            return False
        above, below = rows.take(pivot)
        if len(above) * len(below) + len(rows) > _MOST_ROWS:
            return False
        budget.spend(len(above) * len(below))
        for low_terms, low_offset, low in above:
            for high_terms, high_offset, high in below:
                if low == high:
                    up = down = 1
                    terms = low_terms.copy()
                else:
                    common = gcd(low, high)
                    up, down = high // common, low // common
                    terms = {m: c * up for m, c in low_terms.items()}
                for unknown, value in high_terms.items():
                    total = terms.get(unknown, 0) + value * down
                    if total:
                        terms[unknown] = total
                    else:
                        del terms[unknown]
                if not insert(terms, low_offset * up + high_offset * down):
                    return True
    return False


def _has_point(rows: _Rows) -> bool:
    """Whether integers that fulfil all rows are found at once: then there is no contradiction.

    Each unknown starts at the least that it can be; what is not fulfilled moves its unknowns as
    far as their bounds let it, a few times round.
    """
    lows, highs = rows.lows, rows.highs
    sums = list(rows.sums.values())
    point: dict[int, int] = {}
    for _, terms in sums:
        for unknown in terms:
            if unknown not in point:
                low = lows.get(unknown)
                point[unknown] = min(0, highs.get(unknown, 0)) if low is None else low
    for _ in range(_ROUNDS):
        moved = False
        for offset, terms in sums:
            missing = -offset
            for unknown, coefficient in terms.items():
                missing -= coefficient * point[unknown]
            if missing <= 0:
                continue
            moved = True
            for unknown, coefficient in terms.items():
                at = point[unknown]
                if coefficient > 0:
                    there = at - (-missing // coefficient)
                    high = highs.get(unknown)
                    if high is not None and high < there:
                        there = high
                else:
                    there = at + (-missing // -coefficient)
                    low = lows.get(unknown)
                    if low is not None and there < low:
                        there = low
                if there != at:
                    point[unknown] = there
                    missing -= coefficient * (there - at)
                    if missing <= 0:
                        break
            else:
                return False
        if not moved:
            return True
    return False


def _pivot(rows: _Rows, unknowns: int) -> int | None:
    """The unknown to eliminate next, or None if nothing is left.

    Rows with an unknown that is bounded on one side only can always be fulfilled, and go.
    """
    while True:
        above, below = [0] * unknowns, [0] * unknowns
        inexact: dict[int, int] = {}
        for unknown in rows.lows:
            above[unknown] = 1
        for unknown in rows.highs:
            below[unknown] = 1
        for _, terms in rows.sums.values():
            for unknown, coefficient in terms.items():
                if coefficient > 0:
                    above[unknown] += 1
                    if coefficient > 1:
                        inexact[unknown] = inexact.get(unknown, 0) | 1
                else:
                    below[unknown] += 1
                    if coefficient < -1:
                        inexact[unknown] = inexact.get(unknown, 0) | 2
        best, least = None, _DEAREST
        free: list[int] = []
        for unknown, (lower, upper) in enumerate(zip(above, below, strict=True)):
            if lower and upper:
                cost = lower * upper - lower - upper
                if inexact and inexact.get(unknown) == _BOTH:
                    # With a coefficient of one on either side nothing of the integers is lost.
                    cost += _INEXACT
                if cost < least:
                    best, least = unknown, cost
            elif lower or upper:
                free.append(unknown)
        if not free:
            return best
        rows.drop(free)


def _order(monomial: Monomial) -> tuple[int, ...]:
    return tuple([a.serial for a in monomial])
