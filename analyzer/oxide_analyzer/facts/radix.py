"""Bounds that flat indices hand on: taken apart by divisions, and put together from digits.

    i < n*c*h*w                     of a flat index
    i // w         < n*c*h          for (n*c*h)·w - i >= 1
    i // w // h    < n*c
    p = i // w // h,  p < n*c,  y < h    put together:   p*h + y  < n*c*h

Each step follows from what is on the path, in one step of the order of products; all of them at
once take a prover several. So they are noted on the path where the value is made, and the next
value finds them there. What is noted is implied by the path, so nothing is assumed by it.

* A quotient: `D <= M·d - 1` with `d >= 1` gives `D // d <= M - 1`, where a condition of the path is
  `M·d - 1 - D >= 0` as it stands, and M a polynomial.
* A sum `H·s + r` of which `H <= M - 1` is on the path: `r <= s - 1` and `s >= 0`, which the affine
  prover is asked, give `H·s + r <= M·s - 1`; it is at least 0 if H and r are. Only of sums that are
  factors or dividends again, or whose H is such a sum: others need no help.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from oxide_analyzer.facts.conditions import AtLeastZero, Condition, at_least_zero
from oxide_analyzer.facts.polys import Alias, Level, Monomial, Poly, Quotient
from oxide_analyzer.proof.affine import refutes

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from oxide_analyzer.facts.polys import Atom
    from oxide_analyzer.facts.terms import Terms

_QUICK = 500
_MOST_CONDITIONS = 48


def of_quotient(
    path: Sequence[Condition], dividend: Poly, divisor: Poly, quotient: Poly
) -> Iterator[Condition]:
    """What the path says of `quotient`, which is `dividend // divisor` for a divisor >= 1."""
    stride = _monomial(divisor)
    if stride is None:
        return
    for condition in path[-_MOST_CONDITIONS:]:
        if not isinstance(condition, AtLeastZero):
            continue
        count = _divided((condition.poly + dividend).shift(1), stride)
        if count is not None:
            yield at_least_zero((count - quotient).shift(-1))


def is_digit_sum(poly: Poly) -> bool:
    """Whether it is a sum of which one part is a product of unknowns."""
    return len(poly.terms) > 1 and any(len(m) > 1 for m in poly.terms)


def of_factor(terms: Terms, path: Sequence[Condition], total: Poly) -> Iterator[Condition]:
    """What is known of a factor `H·s + r`, or `p % s`, under the name that the product gives it."""
    if total.offset or total.content() != 1 or next(iter(total.terms.values())) < 0:
        return
    name = Poly({(terms.atom(Alias(total), total.level),): 1})
    for divisor in _limits(terms, (), total):
        if divisor.value is None:
            yield at_least_zero((divisor - name).shift(-1))
            yield at_least_zero(name)
    yield from of_sum(terms, path, total, name)


def of_sum(
    terms: Terms, path: Sequence[Condition], total: Poly, name: Poly | None = None
) -> Iterator[Condition]:
    """What the path says of a sum `H·s + r` in all, or of its `name`."""
    shown = total if name is None else name
    for high, stride, low in _splits(total):
        limits = [*_limits(terms, path, high), *_limits(terms, path, _unnamed(high))]
        if not limits:
            continue
        size = Poly({stride: 1})
        if not refutes(terms, (*path, at_least_zero(low - size)), _QUICK):
            continue
        if not refutes(terms, (*path, at_least_zero((-size).shift(-1))), _QUICK):
            continue
        for limit in limits:
            whole = terms.multiply(limit, size)
            yield at_least_zero((whole - shown).shift(-1))
        below = (at_least_zero((-part).shift(-1)) for part in (high, low))
        if all(refutes(terms, (*path, c), _QUICK) for c in below):
            yield at_least_zero(shown)
        return


def _splits(total: Poly) -> Iterator[tuple[Poly, Monomial, Poly]]:
    """H, s and r of `H·s + r`, for each atom s that products of the sum have."""
    strides = dict.fromkeys(a for m in total.terms if len(m) > 1 for a in m)
    for atom in sorted(strides, key=lambda a: (a.level, a.serial)):
        if atom.level is not Level.LAUNCH:
            continue
        high: dict[Monomial, int] = {}
        low = {m: c for m, c in total.terms.items() if atom not in m or len(m) == 1}
        for monomial, coefficient in total.terms.items():
            if monomial not in low:
                place = monomial.index(atom)
                rest = (*monomial[:place], *monomial[place + 1 :])
                if _is_of_remainder(rest, coefficient, atom, low):
                    low[monomial] = coefficient
                else:
                    high[rest] = coefficient
        if high:
            yield Poly(high), (atom,), Poly(low)


def _is_of_remainder(
    rest: Monomial, coefficient: int, stride: Atom, low: dict[Monomial, int]
) -> bool:
    """Whether it is the quotient in a remainder `p - s·(p // s)` of which p is in the low part."""
    form = rest[0].form if len(rest) == 1 else None
    if not isinstance(form, Quotient) or form.divisor.single() is not stride:
        return False
    return all(low.get(m) == -coefficient * c for m, c in form.dividend.terms.items() if m)


def _unnamed(poly: Poly) -> Poly:
    """What the name of a sum stands for, if that is all it is."""
    atom: Atom | None = poly.single()
    return atom.form.definition if atom is not None and isinstance(atom.form, Alias) else poly


def _limits(terms: Terms, path: Sequence[Condition], value: Poly) -> Iterator[Poly]:
    """What a value is below, of the launch: as a remainder, or by a condition of the path."""
    for atom in dict.fromkeys(value.atoms()):
        form = atom.form
        if not isinstance(form, Quotient) or form.divisor.level is not Level.LAUNCH:
            continue
        if value == form.dividend - terms.multiply(form.divisor, Poly({(atom,): 1})):
            yield form.divisor
    for condition in path[-_MOST_CONDITIONS:]:
        if isinstance(condition, AtLeastZero):
            limit = (condition.poly + value).shift(1)
            if limit.terms and limit.level is Level.LAUNCH:
                yield limit


def _monomial(poly: Poly) -> Monomial | None:
    """The product that a divisor is; None of a number or a sum."""
    if len(poly.terms) != 1:
        return None
    ((monomial, coefficient),) = poly.terms.items()
    return monomial if coefficient == 1 and monomial else None


def _divided(poly: Poly, stride: Monomial) -> Poly | None:
    """The polynomial without the factor `stride`, if all of it has that."""
    result: dict[Monomial, int] = {}
    for monomial, coefficient in poly.terms.items():
        rest = list(monomial)
        for atom in stride:
            if atom not in rest:
                return None
            rest.remove(atom)
        key = tuple(rest)
        result[key] = result.get(key, 0) + coefficient
    return Poly(result) if result else None
