"""What order says of products: signs, bounds, and steps of a stride.

    0 <= x, 0 <= s            gives  x·s >= 0
    x <= 7, 0 <= s            gives  x·s <= 7·s
    x + 1 <= y, 0 <= s        gives  x·s + s <= y·s

Bounds of single unknowns are read off the inequalities, by a few rounds of interval propagation:
`row == block·block_dim + thread` is at least 0 because both summands are.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from oxide_analyzer.facts.polys import Atom, Monomial, Poly

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

_ROUNDS = 3
# The factors of a product whose parts are no products.
_SIMPLE = 2
_SIDES = 2
# That a factor is at most so much says nothing of use about a product.
_HUGE = 1 << 20
# Longer inequalities seldom bound one unknown.
_LONGEST = 5


class Bounds:
    """Numbers between which unknowns lie, where they are known."""

    __slots__ = ("highs", "lows")

    def __init__(self, rows: Iterable[Poly]) -> None:
        self.lows: dict[Monomial, int] = {}
        self.highs: dict[Monomial, int] = {}
        longer: list[tuple[list[tuple[Monomial, int]], int]] = []
        for poly in rows:
            linear = poly.linear
            count = len(linear)
            if count == 1:
                self._bound(*linear[0], poly.offset)
            elif count <= _LONGEST:
                longer.append((linear, poly.offset))
        for _ in range(_ROUNDS):
            news = False
            for linear, offset in longer:
                news |= self._propagate(linear, offset)
            if not news:
                break

    def low(self, monomial: Monomial) -> int | None:
        """The least that a monomial can be."""
        known = self.lows.get(monomial)
        if len(monomial) == 1:
            return known
        product = 1
        for atom in monomial:
            low = self.lows.get((atom,))
            if low is None or low < 0:
                return known
            product *= low
        return product if known is None else max(known, product)

    def high(self, monomial: Monomial) -> int | None:
        """The most that a monomial can be."""
        known = self.highs.get(monomial)
        if len(monomial) == 1:
            return known
        product = 1
        for atom in monomial:
            high = self.highs.get((atom,))
            if high is None or self.lows.get((atom,), -1) < 0:
                return known
            product *= high
        return product if known is None else min(known, product)

    def of(self, poly: Poly) -> tuple[int | None, int | None]:
        """Numbers between which a polynomial lies."""
        least: int | None = poly.offset
        most: int | None = poly.offset
        for monomial, coefficient in poly.terms.items():
            if not monomial:
                continue
            ends = [self.low(monomial), self.high(monomial)]
            low, high = ends if coefficient > 0 else reversed(ends)
            least = None if least is None or low is None else least + coefficient * low
            most = None if most is None or high is None else most + coefficient * high
        return least, most

    def is_nonnegative(self, monomial: Monomial) -> bool:
        """Whether a monomial is at least zero."""
        low = self.low(monomial)
        return low is not None and low >= 0

    def _bound(self, monomial: Monomial, coefficient: int, rest: int) -> bool:
        """Use `coefficient·monomial + rest >= 0`; whether it was news."""
        if coefficient > 0:
            low = -(rest // coefficient)
            known = self.lows.get(monomial)
            if known is None or low > known:
                self.lows[monomial] = low
                return known is None
        else:
            high = rest // -coefficient
            known = self.highs.get(monomial)
            if known is None or high < known:
                self.highs[monomial] = high
                return known is None
        return False

    def _propagate(self, linear: list[tuple[Monomial, int]], offset: int) -> bool:
        """Bound what an inequality leaves unbounded, if that is one unknown."""
        lows, highs = self.lows, self.highs
        most = offset
        unbounded: tuple[Monomial, int] | None = None
        ends: list[int] = []
        for monomial, coefficient in linear:
            if coefficient > 0:
                bound = highs.get(monomial) if len(monomial) == 1 else self.high(monomial)
            else:
                bound = lows.get(monomial) if len(monomial) == 1 else self.low(monomial)
            if bound is not None:
                bound *= coefficient
                most += bound
                ends.append(bound)
            elif unbounded is None:
                unbounded = monomial, coefficient
            else:
                return False
        if unbounded is not None:
            return self._bound(*unbounded, most)
        news = False
        for (monomial, coefficient), end in zip(linear, ends, strict=True):
            if coefficient > 0:
                low = -((most - end) // coefficient)
                known = lows.get(monomial)
                if known is None or low > known:
                    lows[monomial] = low
                    news |= known is None
            else:
                high = (most - end) // -coefficient
                known = highs.get(monomial)
                if known is None or high < known:
                    highs[monomial] = high
                    news |= known is None
        return news


def signs(polys: Iterable[Poly], bounds: Bounds) -> list[Poly]:
    """The products in `polys` that are at least zero."""
    products = dict.fromkeys(m for p in polys for m in p.terms if len(m) > 1)
    return [Poly({m: 1}) for m in products if bounds.is_nonnegative(m)]


def order_lemmas(rows: Sequence[Poly], bounds_of_rows: Callable[[], Bounds]) -> list[Poly]:
    """Inequalities about the products in `rows` that follow from `rows`."""
    products = {m for poly in rows if poly.factors for m, _ in poly.linear if len(m) > 1}
    if not products:
        return []
    differences: dict[tuple[Monomial, Monomial], int] = {}
    for poly in rows:
        ends = _difference(poly)
        if ends is not None:
            gap = -poly.offset  # big - small >= gap
            differences[ends] = max(differences.get(ends, gap), gap)
    products |= _between_squares(products)
    bounds = bounds_of_rows()
    lemmas: list[Poly] = []
    longest = max(len(m) for m in products)
    if longest > _SIMPLE:
        products |= _cofactors(products)
        # Where x < y, also of x·w and y·z·w the product y·w has an order with both.
        for monomial in list(products):
            for big, small in differences:
                if len(small) == 1 and small[0] in monomial and big and len(monomial) < longest:
                    larger = list(monomial)
                    larger.remove(small[0])
                    step = tuple(sorted((*larger, *big)))
                    if len(step) <= longest and any(
                        len(m) > len(step) and _contains(m, step) for m in products
                    ):
                        products.add(step)
    ordered = sorted(products)
    singles = sorted({(a,) for m in ordered for a in m})
    for monomial in ordered:
        if bounds.is_nonnegative(monomial):
            lemmas.append(Poly({monomial: 1}))
        for atom in dict.fromkeys(monomial):
            rest = list(monomial)
            rest.remove(atom)
            stride = tuple(rest)
            if not bounds.is_nonnegative(stride):
                continue
            low, high = bounds.low((atom,)), bounds.high((atom,))
            if low is not None and low != 0:
                lemmas.append(Poly({monomial: 1}).plus(Poly({stride: 1}), -low))
            if high is not None and high < _HUGE:
                lemmas.append(Poly({monomial: -1}).plus(Poly({stride: 1}), high))
    strides: dict[Monomial, None] = {}
    for first in ordered:
        for second in (*ordered, *singles):
            if first == second:
                continue
            common, x, y = _share(first, second)
            if not x and len(y) > 1 and bounds.is_nonnegative(common):
                # y >= low makes y·s at least low·s.
                low = bounds.low(y)
                if low is not None and low >= 1:
                    lemmas.append(Poly({second: 1}).plus(Poly({first: 1}), -low))
            if not common or not bounds.is_nonnegative(common):
                continue
            gap = differences.get((y, x))
            if gap is not None and gap >= 0:
                # y - x >= gap gives y·s - x·s - gap·s >= 0.
                lemmas.append(Poly({second: 1, first: -1}).plus(Poly({common: 1}), -gap))
                strides[common] = None
    # Of a stride that is a product itself nothing else may be said.
    lemmas.extend(Poly({s: 1}) for s in strides if len(s) > 1 and s not in products)
    return lemmas


def _difference(poly: Poly) -> tuple[Monomial, Monomial] | None:
    """The big and the small one of an inequality `big - small >= gap`."""
    linear = poly.linear
    if len(linear) != _SIDES:
        return None
    (first, one), (second, other) = linear
    if one == 1 and other == -1:
        return first, second
    return (second, first) if one == -1 and other == 1 else None


def _between_squares(products: Iterable[Monomial]) -> set[Monomial]:
    """The products x·y of squares x·x and y·y: the one lies between the others."""
    squares = sorted(m[0] for m in products if len(m) == _SIMPLE and m[0] is m[1])
    return {(x, y) for x in squares for y in squares if x < y}


def comparisons(rows: Sequence[Poly]) -> Iterator[tuple[Poly, Poly, Poly, Poly]]:
    """Factors x and y of products x·s and y·s, s >= 0, that `rows` do not put in order.

    Of a product that occurs as 3·y·s the factor is 3·y. With each pair comes what x >= y says of
    the products, and what x + 1 <= y does.
    """
    bounds = Bounds(rows)
    known: set[tuple[Monomial, Monomial]] = set()
    products: dict[Monomial, set[int]] = {}
    for poly in rows:
        for monomial, coefficient in poly.linear:
            if len(monomial) > 1:
                products.setdefault(monomial, {1}).add(abs(coefficient))
        ends = _difference(poly)
        if ends is not None and poly.offset <= 0:
            big, small = ends
            known.update(((big, small), (small, big)))
    more = _cofactors(products) | _between_squares(products)
    ordered = [*products, *sorted(more - products.keys())]
    for first in ordered:
        for second in ordered:
            if first == second:
                continue
            stride, x, y = _share(first, second)
            if not stride or not x or not y or (y, x) in known:
                continue
            if not bounds.is_nonnegative(stride):
                continue
            for factor in sorted(products.get(second, {1})):
                gap = Poly({second: factor, first: -1})
                lesser, greater = Poly({x: 1}), Poly({y: factor})
                yield lesser, greater, -gap, gap.plus(Poly({stride: 1}), -1)


def _cofactors(products: Iterable[Monomial]) -> set[Monomial]:
    """Of products x·w and y·z·w the products among what is left without w."""
    found: set[Monomial] = set()
    for first in products:
        if len(first) > _SIMPLE:
            for second in products:
                stride, _, cofactor = _share(second, first)
                if stride and second != first and len(cofactor) > 1:
                    found.add(cofactor)
    return found


def _contains(monomial: Monomial, part: Monomial) -> bool:
    left = list(monomial)
    for atom in part:
        if atom not in left:
            return False
        left.remove(atom)
    return True


def _share(first: Monomial, second: Monomial) -> tuple[Monomial, Monomial, Monomial]:
    """The common factor of two monomials and what remains of each."""
    common: list[Atom] = []
    left, right = list(first), list(second)
    for atom in first:
        if atom in right:
            common.append(atom)
            left.remove(atom)
            right.remove(atom)
    return tuple(common), tuple(left), tuple(right)
