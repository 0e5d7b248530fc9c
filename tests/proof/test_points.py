"""Points that fulfil inequalities with products: what is found fulfils them, and is often found."""

from __future__ import annotations

from random import Random
from typing import TYPE_CHECKING

from oxide_analyzer.facts.polys import Level, Poly
from oxide_analyzer.facts.terms import Terms
from oxide_analyzer.proof.points import point_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    from oxide_analyzer.facts.polys import Atom


def value(poly: Poly, point: Mapping[Atom, int]) -> int:
    total = 0
    for monomial, coefficient in poly.terms.items():
        product = coefficient
        for atom in monomial:
            product *= point.get(atom, 0)
        total += product
    return total


def unknowns(terms: Terms, *names: str) -> list[Poly]:
    return [terms.variable(name, Level.LAUNCH) for name in names]


def test_a_product_may_be_large():
    terms = Terms()
    i, w, n = unknowns(terms, "i", "w", "n")
    rows = [i, w, (n - i).shift(-1), terms.multiply(i, w).shift(-(2**31))]
    point = point_of(rows)
    assert point is not None
    assert all(value(row, point) >= 0 for row in rows)


def test_there_is_none_where_bounds_contradict():
    (x,) = unknowns(Terms(), "x")
    assert point_of([x.shift(-3), (-x).shift(2)]) is None


def test_there_is_none_where_products_contradict():
    terms = Terms()
    x, y, s = unknowns(terms, "x", "y", "s")
    less = (y - x).shift(-1)
    assert point_of([x, s.shift(-1), less, terms.multiply(x, s) - terms.multiply(y, s)]) is None


def test_what_is_found_fulfils_every_row():
    random = Random(7)
    found = 0
    for _ in range(300):
        terms = Terms()
        names = unknowns(terms, "x", "y", "z")
        products = [terms.multiply(one, other) for one in names for other in names]
        rows = [name.shift(random.randint(0, 3)) for name in names]
        for _ in range(random.randint(1, 4)):
            row = Poly({})
            for part in random.sample([*names, *products], 3):
                row = row.plus(part, random.choice((-2, -1, 1, 3)))
            rows.append(row.shift(random.randint(-9, 9)))
        point = point_of(rows)
        if point is not None:
            found += 1
            assert all(value(row, point) >= 0 for row in rows[3:])
    assert found > 60
