"""Using up equations: digits of mixed radix, and substitution.

    block_dim·(b1 - b2) + (t1 - t2) == 0  with  |t1 - t2| < block_dim
        is  b1 - b2 == 0  and  t1 - t2 == 0

Strides may be atoms or numbers; the bound of the lower digit is proved first. That `x ^ m` and
`y ^ m` are equal says `x == y`. Other equations are solved for an atom with coefficient ±1, which
is replaced everywhere. Definitions of aliases come last, for where two aliases are one, so is what
they stand for.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from oxide_analyzer.facts.conditions import any_of, condition_polys, is_zero, negate
from oxide_analyzer.facts.polys import Alias, Atom, Bits, Monomial, Poly, Quotient, constant
from oxide_analyzer.proof.linear import Budget, contradictory
from oxide_analyzer.proof.order import Bounds, signs
from oxide_analyzer.proof.system import (
    System,
    assume,
    bound,
    in_current_terms,
    replace,
    substitute,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

_SIDES = 2


def solve_equations(system: System, budget: Budget) -> bool:
    """Use up the equations; true if one cannot hold."""
    stuck: list[Poly] = []
    # Those with remainders may have digits once others are used up, unless they are solved before.
    later: list[Poly] = []
    while system.equations or system.aliases or later:
        may_wait = bool(system.equations or system.aliases)
        if system.equations:
            equation = _next(system.equations)
        else:
            equation = _next_alias(system) if system.aliases else _next(later)
        if not equation.terms:
            continue
        divisor = equation.content()
        if divisor == 0 or equation.offset % divisor:
            return True
        if divisor > 1:
            equation = Poly({m: c // divisor for m, c in equation.terms.items()})
        if not budget.spend(len(equation.terms) + len(system.inequalities)):
            return False
        _unmask(equation, system)
        digits = None if _defines(equation, system) else _digits(equation, system, budget)
        if digits is not None:
            system.equations.extend(digits)
            system.equations.extend(stuck)
            stuck.clear()
            continue
        if may_wait and _has_remainder(equation):
            # The definitions of aliases, which come last, stay the last.
            later.insert(0, equation)
            continue
        solved = _solved(equation, system, [*stuck, *later])
        if solved is None:
            stuck.append(equation)
            continue
        substitute(system, *solved)
        if system.impossible:
            return True
        stuck = [replace(p, *solved) for p in stuck]
        later = [replace(p, *solved) for p in later]
    for equation in stuck:
        bound(system, equation)
        bound(system, -equation)
    return False


def _has_remainder(equation: Poly) -> bool:
    """Whether it is one of digits that unknown divisors leave, `p - s·(p // s)`."""
    return any(isinstance(a.form, Quotient) for a in equation.factors) and len(equation.terms) > 3


def _next(equations: list[Poly]) -> Poly:
    """The next equation; that two atoms are one, or one is a number, makes others simpler."""
    for place in range(len(equations) - 1, -1, -1):
        terms = equations[place].terms
        if len(terms) <= _SIDES and all(len(m) <= 1 for m in terms):
            return equations.pop(place)
    return equations.pop()


def _unmask(equation: Poly, system: System) -> None:
    """Where `x ^ m == y ^ n`, `m == n` makes `x == y`."""
    if len(equation.terms) != _SIDES or sum(equation.terms.values()) or equation.offset:
        return
    forms = [m[0].form for m in equation.terms if len(m) == 1]
    first, second = (forms[0], forms[-1]) if forms else (None, None)
    if not isinstance(first, Bits) or not isinstance(second, Bits):
        return
    if len(forms) != _SIDES or first.op != "^" or second.op != "^":
        return
    for x, m in ((first.left, first.right), (first.right, first.left)):
        for y, n in ((second.left, second.right), (second.right, second.left)):
            either = any_of((negate(is_zero(m - n)), is_zero(x - y)))
            assume(system, in_current_terms(system, [either]))


def _defines(equation: Poly, system: System) -> bool:
    """Whether an equation only says what an atom stands for: then there is nothing to split."""
    own = [m[0] for m, c in equation.terms.items() if len(m) == 1 and c in (1, -1)]
    return sum(a in system.defined for a in own) == 1


def _next_alias(system: System) -> Poly:
    """The definition of an alias; if two aliases have become one, what they stand for is equal."""
    # What is made of others comes first: if two of them are one, so are often their parts.
    outermost = max(range(len(system.aliases)), key=lambda i: _youngest(system.aliases[i]))
    equation = system.aliases.pop(outermost)
    names = [a for a in equation.atoms() if isinstance(a.form, Alias)]
    left: list[Poly] = []
    before = len(system.equations)
    for other in system.aliases:
        for name in names:
            coefficient, others = equation.terms.get((name,)), other.terms.get((name,))
            if coefficient in (1, -1) and others in (1, -1):
                system.equations.append(other.plus(equation, -1 if coefficient == others else 1))
                break
        else:
            left.append(other)
    system.aliases = left
    if len(system.equations) > before:
        # That the parts are equal shows digits, as long as nothing is put in for one of them.
        left.append(equation)
        return system.equations.pop()
    return equation


def _youngest(equation: Poly) -> int:
    return max((a.serial for a in equation.atoms() if isinstance(a.form, Alias)), default=0)


def _solved(equation: Poly, system: System, stuck: Sequence[Poly]) -> tuple[Atom, Poly] | None:
    """An atom and the polynomial that it equals; one that can be replaced everywhere."""
    linear = [m[0] for m, c in equation.terms.items() if len(m) == 1 and c in (1, -1)]
    if not linear:
        return None
    # An equation that defines an atom is solved for it: what it stands for shows the digits.
    for atom in sorted(linear, key=lambda a: (a not in system.defined, -a.serial)):
        coefficient = equation.terms[(atom,)]
        value = Poly({m: -c * coefficient for m, c in equation.terms.items() if m != (atom,)})
        if (
            value.value is not None
            or value.single() is not None
            or not _is_factor(atom, equation, system, stuck)
        ):
            return atom, value
    return None


def _is_factor(atom: Atom, equation: Poly, system: System, stuck: Sequence[Poly]) -> bool:
    """Whether an atom is multiplied with others in some condition."""
    if atom in equation.factors:
        return True
    for polys in (system.inequalities.values(), system.equations, system.aliases, stuck):
        for poly in polys:
            if atom in poly.factors:
                return True
    for branches in system.disjunctions:
        for branch in branches:
            for poly in condition_polys(branch):
                if atom in poly.factors:
                    return True
    return False


# ---------------------------------------------------------------- digits


def _digits(equation: Poly, system: System, budget: Budget) -> tuple[Poly, Poly] | None:
    """Split an equation at a stride, if the lower digit is provably smaller than it."""
    splits = _splits(equation)
    if not splits:
        return None
    rows = list(system.inequalities.values())
    bounds = system.bounds()
    for high, low, stride in splits:
        if _bounded(low, stride, rows, bounds, budget):
            return high, low
    return None


def _splits(equation: Poly) -> list[tuple[Poly, Poly, Poly]]:
    """Candidate (high, low, stride) with equation = stride·high + low and both parts real."""
    found: list[tuple[Poly, Poly, Poly]] = []
    factors: dict[Atom, int] = {}
    for monomial in equation.terms:
        if len(monomial) > 1:
            for atom in dict.fromkeys(monomial):
                factors[atom] = factors.get(atom, 0) + 1
    for atom in sorted(factors, key=lambda a: (-factors[a], a.serial)):
        high: dict[Monomial, int] = {}
        low: dict[Monomial, int] = {}
        for monomial, coefficient in equation.terms.items():
            if atom in monomial:
                rest = list(monomial)
                rest.remove(atom)
                high[tuple(rest)] = high.get(tuple(rest), 0) + coefficient
            else:
                low[monomial] = coefficient
        _add_split(found, Poly(high), Poly(low), Poly({(atom,): 1}))
    sizes = sorted({abs(c) for m, c in equation.terms.items() if m and abs(c) > 1}, reverse=True)
    for size in sizes:
        high = {m: c // size for m, c in equation.terms.items() if m and c % size == 0}
        low = {m: c for m, c in equation.terms.items() if not m or c % size}
        if high and low:
            _add_split(found, Poly(high), Poly(low), constant(size))
    return found


def _add_split(found: list[tuple[Poly, Poly, Poly]], high: Poly, low: Poly, stride: Poly) -> None:
    """Add a split, before it those in which remainders `p - stride·(p // stride)` are whole."""
    # What p stands for may have been put in, and have cancelled: then any quotient may be of one.
    digit = each = low
    rest = others = high
    for monomial, coefficient in high.terms.items():
        form = monomial[0].form if len(monomial) == 1 else None
        if not isinstance(form, Quotient) or form.divisor != stride:
            continue
        whole = form.dividend.scale(-coefficient)
        product = {tuple(sorted((*m, *monomial))): c for m, c in stride.terms.items()}
        others = others.plus(Poly({monomial: 1}), -coefficient)
        each = each.plus(Poly(product), coefficient)
        if all(low.terms.get(m) == c for m, c in whole.terms.items() if m):
            rest = rest.plus(Poly({monomial: 1}), -coefficient)
            digit = digit.plus(Poly(product), coefficient)
    if rest is not high and rest.terms:
        found.append((rest, digit, stride))
    if others != rest and others.terms and stride.value is None:
        found.append((others, each, stride))
    found.append((high, low, stride))


def _bounded(
    low: Poly, stride: Poly, inequalities: Sequence[Poly], bounds: Bounds, budget: Budget
) -> bool:
    """Whether |low| < stride follows (and with it stride >= 1)."""
    value, size = low.value, stride.value
    if value is not None and size is not None:
        return abs(value) < size
    if size is not None:
        least, most = bounds.of(low)
        if least is not None and most is not None and -size < least and most < size:
            return True
    relevant = connected([low, stride], inequalities)
    if any(len(m) > 1 for p in relevant for m in p.terms):
        relevant.extend(signs([low, *relevant], bounds))
    over = (low - stride).tight
    under = (-low - stride).tight
    return contradictory([*relevant, over], budget) and contradictory([*relevant, under], budget)


def connected(goal: Sequence[Poly], inequalities: Sequence[Poly]) -> list[Poly]:
    """The inequalities that share monomials with the goal, by up to three steps."""
    wanted: set[Monomial] = {m for p in goal for m in p.terms}
    chosen: list[Poly] = []
    left = list(inequalities)
    for _ in range(3):
        wanted.discard(())
        apart = frozenset(wanted).isdisjoint
        further: list[Poly] = []
        for poly in left:
            if apart(poly.terms):
                further.append(poly)
            else:
                chosen.append(poly)
                wanted.update(poly.terms)
        if len(further) == len(left):
            break
        left = further
    return chosen
