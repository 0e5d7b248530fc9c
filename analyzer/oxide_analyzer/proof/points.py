"""Integers that fulfil inequalities, products and all: then nothing that follows contradicts.

Most questions that have no answer are far from one: under `i < len(a)` nothing says that `i * w`
is less than 2³¹, and a large `w` shows it. Such a point is looked for where elimination has found
no contradiction, before products are compared, which takes much longer. Each atom starts at the
least that it can be, or at one, for a factor of zero moves nothing; what is not fulfilled moves its
atoms as far as their bounds let it, a few times round.

    n - i - 1 >= 0,  i*w - 2**31 >= 0        n = 0, i = 1, w = 1
                                             n = 2;  i = 2**31;  n = 2**31 + 1

What is found is a model of the inequalities as they stand, so it never hides a proof that is sound.
That none is found says nothing.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from oxide_analyzer.proof.linear import towards

if TYPE_CHECKING:
    from collections.abc import Iterable

    from oxide_analyzer.facts.polys import Atom, Monomial, Poly

# So often each inequality is looked at.
_ROUNDS = 6


def point_of(rows: Iterable[Poly]) -> dict[Atom, int] | None:
    """Integers for the atoms that make every polynomial at least zero, None if none are found.

    Atoms that are only bounded by numbers are left out: any number between their bounds does.
    """
    lows: dict[Atom, int] = {}
    highs: dict[Atom, int] = {}
    others: list[Poly] = []
    for poly in rows:
        linear = poly.linear
        if len(linear) == 1 and len(linear[0][0]) == 1:
            (((atom,), coefficient),) = linear
            if coefficient > 0:
                low = -(poly.offset // coefficient)
                lows[atom] = max(low, lows.get(atom, low))
            else:
                high = poly.offset // -coefficient
                highs[atom] = min(high, highs.get(atom, high))
        else:
            others.append(poly)
    point: dict[Atom, int] = {}
    for poly in others:
        factors = poly.factors
        for atom in poly.atoms():
            if atom not in point or (atom in factors and not point[atom]):
                least = lows.get(atom, min(0, highs.get(atom, 0)))
                point[atom] = least or int(atom in factors and highs.get(atom, 1) >= 1)
    if any(high < lows.get(atom, high) for atom, high in highs.items()):
        return None
    for _ in range(_ROUNDS):
        moved = False
        for poly in others:
            missing = -poly.offset
            for monomial, coefficient in poly.linear:
                value = coefficient
                for atom in monomial:
                    value *= point[atom]
                missing -= value
            if missing > 0:
                moved = True
                if not _moved(poly.linear, missing, point, lows, highs):
                    return None
        if not moved:
            return point
    return None


def _moved(
    linear: list[tuple[Monomial, int]],
    missing: int,
    point: dict[Atom, int],
    lows: dict[Atom, int],
    highs: dict[Atom, int],
) -> bool:
    """Move atoms until the sum is larger by `missing`; false if their bounds do not let them."""
    for monomial, coefficient in linear:
        for place, atom in enumerate(monomial):
            slope = coefficient
            for index, other in enumerate(monomial):
                if index != place:
                    slope *= 0 if other is atom else point[other]
            if not slope:
                continue
            at = point[atom]
            there = towards(at, slope, missing, lows.get(atom), highs.get(atom))
            if there != at:
                point[atom] = there
                missing -= slope * (there - at)
                if missing <= 0:
                    return True
    return False
