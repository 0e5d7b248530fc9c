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
    from collections.abc import Collection, Iterable, Sequence

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
        if self.steps >= 0:
            return True
        self.allowance.ended += 1
        return False

    def release(self) -> None:
        """Spend from the reserve from here on."""
        self.steps = max(self.steps, 0) + self.reserve
        self.reserve = 0


# The most inequalities that an elimination may hold before it gives up.
_MOST_ROWS = 220

# What an unknown with coefficients other than one among its lower and among its upper bounds counts
# more than any number of new rows, and more than any unknown costs.
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


_Sum: TypeAlias = "list[tuple[Monomial, int]]"
# A row without one of its unknowns: what is left of its sum, its offset, and the size of the
# coefficient.
_Side: TypeAlias = "tuple[dict[int, int], int, int]"


def _contradictory(inequalities: Sequence[Poly], budget: Budget) -> bool:
    lows: dict[Monomial, int] = {}
    highs: dict[Monomial, int] = {}
    sums: dict[frozenset[tuple[Monomial, int]], tuple[int, _Sum]] = {}
    for poly in inequalities:
        tight = poly.tight
        linear, offset = tight.linear, tight.offset
        if len(linear) == 1:
            ((unknown, coefficient),) = linear
            low, high = (-offset, None) if coefficient > 0 else (None, offset)
            if low is not None and lows.get(unknown, low - 1) < low:
                lows[unknown] = low
                if highs.get(unknown, low) < low:
                    return True
            elif high is not None and highs.get(unknown, high + 1) > high:
                highs[unknown] = high
                if lows.get(unknown, high) > high:
                    return True
        elif linear:
            known = sums.get(tight.slope)
            if known is None or offset < known[0]:
                # x + y >= a and x + y <= b with b < a need no elimination to be seen.
                opposite = sums.get(tight.opposite)
                if opposite is not None and opposite[0] + offset < 0:
                    return True
                sums[tight.slope] = offset, linear
        elif offset < 0:
            return True
    if _has_point(lows, highs, list(sums.values())):
        budget.spend(len(lows) + len(highs) + len(sums))
        return False
    return _eliminate(_Rows(lows, highs, sums.values()), budget)


def _has_point(
    lows: dict[Monomial, int], highs: dict[Monomial, int], sums: Sequence[tuple[int, _Sum]]
) -> bool:
    """Whether integers that fulfil all rows are found at once: then there is no contradiction.

    Each unknown starts at the least that it can be; what is not fulfilled moves its unknowns as
    far as their bounds let it, a few times round.
    """
    point: dict[Monomial, int] = {}
    for _, terms in sums:
        for unknown, _ in terms:
            if unknown not in point:
                low = lows.get(unknown)
                point[unknown] = min(0, highs.get(unknown, 0)) if low is None else low
    for _ in range(_ROUNDS):
        moved = False
        for offset, terms in sums:
            missing = -offset
            for unknown, coefficient in terms:
                missing -= coefficient * point[unknown]
            if missing <= 0:
                continue
            moved = True
            for unknown, coefficient in terms:
                at = point[unknown]
                there = towards(at, coefficient, missing, lows.get(unknown), highs.get(unknown))
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


def towards(at: int, slope: int, missing: int, low: int | None, high: int | None) -> int:
    """Where an unknown at `at` goes so that `slope` times it is larger by `missing`.

    It goes no further than its bounds let it.
    """
    if slope > 0:
        there = at - (-missing // slope)
        return there if high is None or there <= high else high
    there = at + (-missing // -slope)
    return there if low is None or low <= there else low


class _Rows:
    """Inequalities by numbers of unknowns: of each left side the strongest.

    Most bound one unknown. Those that bound a sum are kept by the sum as `(offset, sum)`. Bounds
    of what is in no sum contradict nothing, and are left out. How many sums bound an unknown is
    counted as they come and go: from `below`, from `above`, and with coefficients other than one.
    """

    __slots__ = ("above", "below", "highs", "inexact_above", "inexact_below", "lows", "sums")

    def __init__(
        self,
        lows: dict[Monomial, int],
        highs: dict[Monomial, int],
        sums: Collection[tuple[int, _Sum]],
    ) -> None:
        ordered = sorted({m for _, linear in sums for m, _ in linear}, key=_order)
        numbers = {m: number for number, m in enumerate(ordered)}
        self.below, self.above = [0] * len(ordered), [0] * len(ordered)
        self.inexact_below, self.inexact_above = [0] * len(ordered), [0] * len(ordered)
        self.lows = {numbers[m]: low for m, low in lows.items() if m in numbers}
        self.highs = {numbers[m]: high for m, high in highs.items() if m in numbers}
        self.sums: dict[frozenset[tuple[int, int]], tuple[int, dict[int, int]]] = {}
        for offset, linear in sums:
            terms = {numbers[m]: coefficient for m, coefficient in linear}
            self.sums[frozenset(terms.items())] = offset, terms
            self._count(terms, 1)

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
        if known is None:
            self._count(terms, 1)
        elif known[0] <= offset:
            return True
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
            self._count(terms, -1)
            coefficient = terms.pop(unknown)
            if coefficient > 0:
                above.append((terms, offset, coefficient))
            else:
                below.append((terms, offset, -coefficient))
        return above, below

    def drop(self, unknowns: Iterable[int]) -> None:
        """Remove the rows with any of these unknowns."""
        gone = frozenset(unknowns)
        self.forget(gone)
        for key in [k for k, (_, terms) in self.sums.items() if not gone.isdisjoint(terms)]:
            self._count(self.sums.pop(key)[1], -1)

    def forget(self, unknowns: Iterable[int]) -> None:
        """Remove the bounds of these unknowns."""
        for unknown in unknowns:
            self.lows.pop(unknown, None)
            self.highs.pop(unknown, None)

    def _count(self, terms: dict[int, int], change: int) -> None:
        below, above = self.below, self.above
        for unknown, coefficient in terms.items():
            if coefficient > 0:
                below[unknown] += change
                if coefficient > 1:
                    self.inexact_below[unknown] += change
            else:
                above[unknown] += change
                if coefficient < -1:
                    self.inexact_above[unknown] += change


def _eliminate(rows: _Rows, budget: Budget) -> bool:
    insert = rows.insert
    while rows.sums:
        pivot = _pivot(rows)
        if pivot is None or not budget.spend(len(rows)):
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


def _pivot(rows: _Rows) -> int | None:
    """The unknown to eliminate next, or None if nothing is left.

    Rows with an unknown that is bounded on one side only can always be fulfilled, and go.
    """
    lows, highs = rows.lows, rows.highs
    while True:
        best, least = None, _DEAREST
        free: list[int] = []
        bare: list[int] = []
        for unknown, (from_below, from_above) in enumerate(
            zip(rows.below, rows.above, strict=True)
        ):
            if not from_below and not from_above:
                if unknown in lows or unknown in highs:
                    bare.append(unknown)
                continue
            lower, upper = from_below + (unknown in lows), from_above + (unknown in highs)
            if lower and upper:
                cost = lower * upper - lower - upper
                if rows.inexact_below[unknown] and rows.inexact_above[unknown]:
                    # With a coefficient of one on either side nothing of the integers is lost.
                    cost += _INEXACT
                if cost < least:
                    best, least = unknown, cost
            else:
                free.append(unknown)
        rows.forget(bare)
        if not free:
            return best
        rows.drop(free)


def _order(monomial: Monomial) -> tuple[int, ...]:
    return tuple([a.serial for a in monomial])
