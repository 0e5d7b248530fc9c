"""The first prover: equations of mixed radix, substitution, and linear inequalities.

It shows that conditions contradict each other, in plain Python and mostly within fractions of a
millisecond. What it does with `hypotheses`:

1. Flatten to equations, inequalities and disjunctions; add what is known of every atom that
   occurs in any case (ranges, axioms, definitions of quotients and aliases). What is known of an
   atom that occurs in one branch of a disjunction only is added when that branch is taken:
   outside it the atom may have no meaning (`b <= 0 or a // b >= n` does not say `b >= 1`).
2. Solve equations. An equation of mixed radix falls apart into its digits:

       block_dim·(b1 - b2) + (t1 - t2) == 0  with  |t1 - t2| < block_dim
           is  b1 - b2 == 0  and  t1 - t2 == 0

   (strides may be atoms or numbers; the bound of the lower digit is proved first). Others are
   solved for an atom with coefficient ±1, which is replaced everywhere.
3. Drop branches of disjunctions that have become false; what has no branch left contradicts.
4. Refute the inequalities by elimination, with the lemmas that order gives products:
   x + 1 <= y and s >= 0 give x·s + s <= y·s.
5. Split a disjunction and prove every branch.

Incomplete, never unsound: it answers True only for a contradiction.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from oxide_analyzer.facts.conditions import (
    AllOf,
    AnyOf,
    AtLeastZero,
    Condition,
    IsZero,
    NotZero,
    Opaque,
    at_least_zero,
    condition_polys,
    is_arithmetic,
    is_zero,
)
from oxide_analyzer.facts.polys import (
    Alias,
    Atom,
    Bits,
    Element,
    Monomial,
    Poly,
    Quotient,
    Variable,
    constant,
    parts_of,
)
from oxide_analyzer.proof.linear import Budget, Meter, contradictory, tighten
from oxide_analyzer.proof.order import Bounds, comparisons, order_lemmas, signs
from oxide_analyzer.proof.plain import plainly_contradict
from oxide_analyzer.proof.powers import as_power, bit_facts, numbers_between, power_facts

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from oxide_analyzer.facts.terms import Terms

STEPS = 6_000
_DEEPEST_SPLIT = 7
# A power of two that is one of so many numbers is tried with each.
_MOST_NUMBERS = 12
_CASE_STEPS = 2_000
_POWER_ROUNDS = 3
_COMPARE_ROUNDS = 2
_COMPARE_STEPS = 4_000


def refutes(
    terms: Terms,
    hypotheses: Iterable[Condition],
    steps: int = STEPS,
    meter: Meter | None = None,
) -> bool:
    """Whether `hypotheses` contradict each other; `meter` counts what it took."""
    meter = meter or Meter()
    given = tuple(hypotheses)
    if plainly_contradict(given):
        return True
    # Which way data sent a thread seldom matters: without it there is less to try.
    steady = tuple(c for c in given if not isinstance(c, AnyOf) or is_arithmetic(c))
    if len(steady) < len(given):
        if _refutes(terms, steady, steps, meter):
            return True
        if steps < STEPS:
            return False
    return _refutes(terms, given, steps, meter)


def _refutes(terms: Terms, given: tuple[Condition, ...], steps: int, meter: Meter) -> bool:
    system = _System()
    if not (_assume(system, given) and _close(system, terms)):
        return True
    cases = system.copy() if system.powers and steps >= STEPS else None
    if _refute(system, terms, Budget(steps, min(steps, _COMPARE_STEPS), meter), 0):
        return True
    return cases is not None and _refute_each(cases, terms, _CASE_STEPS, meter)


def _refute_each(system: _System, terms: Terms, steps: int, meter: Meter) -> bool:
    """Try a power of two with every number that it can be: what is left of it is linear."""
    bounds = Bounds(system.inequalities)
    best: tuple[int, Poly, list[int]] | None = None
    for poly in system.powers:
        atom = poly.single()
        if atom is None:
            continue
        low, high = bounds.of(poly)
        if low is None or high is None:
            continue
        numbers = numbers_between(low, high)
        if 1 < len(numbers) <= _MOST_NUMBERS and (best is None or len(numbers) > best[0]):
            best = len(numbers), poly, numbers
    if best is None:
        return False
    _, poly, numbers = best
    for value in numbers:
        case = system.copy()
        del case.powers[poly]
        if not (_assume(case, (IsZero(poly.shift(-value)),)) and _close(case, terms)):
            continue
        again = case.copy() if case.powers else None
        if _refute(case, terms, Budget(steps, 0, meter), 0):
            continue
        if again is None or not _refute_each(again, terms, steps, meter):
            return False
    return True


@dataclass(slots=True)
class _System:
    equations: list[Poly] = field(default_factory=list[Poly])
    inequalities: list[Poly] = field(default_factory=list[Poly])
    disjunctions: list[tuple[Condition, ...]] = field(default_factory=list["tuple[Condition, ...]"])
    decided: dict[tuple[tuple[str, ...], tuple[Poly, ...]], bool] = field(
        default_factory=dict[tuple[tuple[str, ...], tuple[Poly, ...]], bool]
    )
    # Atoms whose facts are in; atoms whose facts are to come; what solved atoms stand for.
    known: set[Atom] = field(default_factory=set[Atom])
    pending: list[Atom] = field(default_factory=list[Atom])
    solved: dict[Atom, Poly] = field(default_factory=dict[Atom, Poly])
    # Atoms that an equation defines; the equations of aliases, which are used last.
    defined: set[Atom] = field(default_factory=set[Atom])
    aliases: list[Poly] = field(default_factory=list[Poly])
    # What is a power of two or zero; atoms that `powers` may say more about, and what it said.
    powers: dict[Poly, None] = field(default_factory=dict[Poly, None])
    bits: list[Atom] = field(default_factory=list[Atom])
    quotients: list[Atom] = field(default_factory=list[Atom])
    said: set[Condition] = field(default_factory=set[Condition])
    ask_powers: bool = False
    # The left sides of pairs of inequalities that have become equations.
    tied: set[frozenset[tuple[Monomial, int]]] = field(
        default_factory=set[frozenset[tuple[Monomial, int]]]
    )

    def copy(self) -> _System:
        return _System(
            list(self.equations),
            list(self.inequalities),
            list(self.disjunctions),
            dict(self.decided),
            set(self.known),
            list(self.pending),
            dict(self.solved),
            set(self.defined),
            list(self.aliases),
            dict(self.powers),
            list(self.bits),
            list(self.quotients),
            set(self.said),
            self.ask_powers,
            set(self.tied),
        )


def _assume(system: _System, conditions: Iterable[Condition]) -> bool:
    """Add conditions; false if one is plainly false."""
    for condition in conditions:
        match condition:
            case AtLeastZero(poly=p):
                value = p.value
                if value is None:
                    system.inequalities.append(tighten(p))
                    system.pending.extend(p.atoms())
                elif value < 0:
                    return False
            case IsZero(poly=p):
                value = p.value
                power = as_power(p) if value is None else None
                if power is not None:
                    system.powers[power] = None
                    system.ask_powers = True
                    system.pending.extend(power.atoms())
                elif value is None:
                    system.equations.append(p)
                    system.pending.extend(p.atoms())
                elif value != 0:
                    return False
            case NotZero(poly=p):
                value = p.value
                if value is None:
                    system.disjunctions.append(
                        (AtLeastZero(p.shift(-1)), AtLeastZero((-p).shift(-1)))
                    )
                    system.pending.extend(p.atoms())
                elif value == 0:
                    return False
            case Opaque(key=key, parts=parts, positive=positive):
                if system.decided.setdefault((key, parts), positive) != positive:
                    return False
            case AllOf(parts=parts):
                if not _assume(system, parts):
                    return False
            case AnyOf(parts=parts):
                if not parts:
                    return False
                system.disjunctions.append(parts)
                system.pending.extend(certain_atoms(condition))
    return True


def certain_atoms(condition: Condition) -> dict[Atom, None]:
    """The atoms that have a meaning wherever the condition holds, in the order of occurrence."""
    match condition:
        case AtLeastZero(poly=p) | IsZero(poly=p) | NotZero(poly=p):
            return dict.fromkeys(p.atoms())
        case Opaque():
            return {}
        case AllOf(parts=parts):
            return {a: None for c in parts for a in certain_atoms(c)}
        case AnyOf(parts=parts):
            each = [certain_atoms(c) for c in parts]
            return {a: None for a in each[0] if all(a in e for e in each)} if each else {}


def _close(system: _System, terms: Terms) -> bool:
    """Add what is known of every atom that certainly occurs, and of those that this brings in."""
    for _ in range(_POWER_ROUNDS):
        if not _close_atoms(system, terms):
            return False
        news = _powers_say(system, terms)
        if not news:
            return True
        for fact in news:
            system.pending.extend(certain_atoms(fact))
        if not _assume(system, _in_current_terms(system, news)):
            return False
    return _close_atoms(system, terms)


def _close_atoms(system: _System, terms: Terms) -> bool:
    while system.pending:
        atom = system.pending.pop()
        if atom in system.known:
            continue
        system.known.add(atom)
        match atom.form:
            case Bits():
                system.bits.append(atom)
                system.ask_powers = True
            case Quotient():
                system.quotients.append(atom)
                system.ask_powers = True
            case _:
                pass
        for part in parts_of(atom):
            system.pending.extend(part.atoms())
        facts = [*definition(terms, atom), *terms.axioms.get(atom, ())]
        if any(isinstance(f, IsZero) for f in facts):
            system.defined.add(atom)
        if system.solved:
            for fact in facts:
                system.pending.extend(certain_atoms(fact))
            facts = _in_current_terms(system, facts)
        if isinstance(atom.form, Alias):
            system.aliases.extend(f.poly for f in facts if isinstance(f, IsZero))
            system.pending.extend(a for f in facts for p in condition_polys(f) for a in p.atoms())
            facts = [f for f in facts if not isinstance(f, IsZero)]
        if not _assume(system, facts):
            return False
    return True


def _powers_say(system: _System, terms: Terms) -> list[Condition]:
    """What is known of powers of two and of bit operations with them, and was not said yet."""
    if not system.ask_powers or not (system.bits or system.powers):
        return []
    system.ask_powers = bool(system.bits)
    found: list[Bounds] = []

    def bounds(poly: Poly) -> tuple[int | None, int | None]:
        if not found:
            found.append(Bounds(system.inequalities))
        return found[0].of(_current(system, poly))

    news: list[Condition] = []
    bits: list[Atom] = []
    for atom in system.bits:
        facts = list(bit_facts(terms, atom, system.powers, bounds))
        if not facts:
            bits.append(atom)
        news.extend(facts)
    system.bits = bits
    if system.powers:
        facts = power_facts(terms, system.quotients, system.powers, bounds)
        news.extend(f for f in facts if f not in system.said)
    system.said.update(news)
    return news


def _current(system: _System, poly: Poly) -> Poly:
    """A polynomial with the atoms replaced that have been solved for, where that can be done."""
    for atom, value in system.solved.items():
        simple = value.value is not None or value.single() is not None
        if simple or not any(len(m) > 1 and atom in m for m in poly.terms):
            poly = _replace(poly, atom, value)
    return poly


def _in_current_terms(system: _System, facts: list[Condition]) -> list[Condition]:
    """Facts that come late, with the atoms replaced that have been solved for meanwhile."""
    current = facts
    for atom, value in list(system.solved.items()):
        mentioned = {m for c in current for p in condition_polys(c) for m in p.terms if atom in m}
        if not mentioned:
            continue
        if value.value is None and value.single() is None and any(len(m) > 1 for m in mentioned):
            # It cannot be replaced inside a product, so it comes back.
            del system.solved[atom]
            current = [*current, IsZero(Poly({(atom,): 1}) - value)]
        else:
            current = [_replace_condition(c, atom, value) for c in current]
    return current


def definition(terms: Terms, atom: Atom) -> list[Condition]:
    """What the form of an atom says about its value, axioms of variables apart."""
    itself = Poly({(atom,): 1})
    match atom.form:
        case Variable(low=low, high=high) | Element(low=low, high=high) | Bits(low=low, high=high):
            facts: list[Condition] = []
            if low is not None:
                facts.append(AtLeastZero(itself.shift(-low)))
            if high is not None:
                facts.append(AtLeastZero((-itself).shift(high)))
            return facts
        case Quotient(dividend=p, divisor=q):
            whole = terms.multiply(q, itself)
            return [AtLeastZero(p - whole), AtLeastZero((whole + q - p).shift(-1))]
        case Alias(definition=p):
            return [IsZero(itself - p)]


# ---------------------------------------------------------------- the procedure


def _refute(system: _System, terms: Terms, budget: Budget, depth: int) -> bool:
    while True:
        if _solve_equations(system, budget):
            return True
        taken = _propagate(system)
        if taken is None or (taken and not _close(system, terms)):
            return True
        if not taken:
            break
    for poly in system.inequalities:
        value = poly.value
        if value is not None and value < 0:
            return True
    rows = list(dict.fromkeys(p for p in system.inequalities if p.value is None))
    if contradictory(rows, budget):
        return True
    lemmas = order_lemmas(rows)
    if lemmas and contradictory([*rows, *lemmas], budget):
        return True
    if not system.disjunctions and _compared(rows, lemmas, budget):
        return True
    if depth >= _DEEPEST_SPLIT or not system.disjunctions or budget.steps < 0:
        return False
    split = min(range(len(system.disjunctions)), key=lambda i: len(system.disjunctions[i]))
    branches = system.disjunctions.pop(split)
    for branch in branches:
        case = system.copy()
        if not (_assume(case, (branch,)) and _close(case, terms)):
            continue
        if not _refute(case, terms, budget, depth + 1):
            return False
    return True


def _compared(rows: list[Poly], lemmas: list[Poly], budget: Budget) -> bool:
    """Refute `rows` after comparing the factors of products: x·s < y·s makes x < y."""
    pairs = list(comparisons(rows))
    if not pairs:
        return False
    budget.release()
    rows = [*rows, *lemmas]
    for _ in range(_COMPARE_ROUNDS):
        news: list[Poly] = []
        left: list[tuple[Poly, Poly, Poly, Poly]] = []
        for pair in pairs:
            x, y, less_lemma, more_lemma = pair
            # If y <= x, with what that says of the products, cannot be, then x + 1 <= y.
            relevant = _connected([x - y, less_lemma], [*rows, *news])
            if contradictory([*relevant, x - y, less_lemma], budget):
                news.extend(((y - x).shift(-1), more_lemma))
            else:
                left.append(pair)
            if budget.steps < 0:
                return False
        if not news:
            return False
        rows.extend(news)
        if contradictory(rows, budget):
            return True
        pairs = left
    return False


def _solve_equations(system: _System, budget: Budget) -> bool:
    """Use up the equations; true if one cannot hold."""
    stuck: list[Poly] = []
    while system.equations or system.aliases:
        equation = system.equations.pop() if system.equations else _next_alias(system)
        if not equation.terms:
            continue
        divisor = equation.content()
        if divisor == 0 or equation.offset % divisor:
            return True
        if divisor > 1:
            equation = Poly({m: c // divisor for m, c in equation.terms.items()})
        if not budget.spend(len(equation.terms) + len(system.inequalities)):
            return False
        digits = _digits(equation, system, budget)
        if digits is not None:
            system.equations.extend(digits)
            system.equations.extend(stuck)
            stuck.clear()
            continue
        solved = _solved(equation, system, stuck)
        if solved is None:
            stuck.append(equation)
            continue
        _substitute(system, *solved)
        stuck = [_replace(p, *solved) for p in stuck]
    for equation in stuck:
        system.inequalities.append(equation)
        system.inequalities.append(-equation)
    return False


def _next_alias(system: _System) -> Poly:
    """The definition of an alias; if two aliases have become one, what they stand for is equal."""
    # What is made of others comes first: if two of them are one, so are often their parts.
    outermost = max(range(len(system.aliases)), key=lambda i: _youngest(system.aliases[i]))
    equation = system.aliases.pop(outermost)
    names = [a for a in equation.atoms() if isinstance(a.form, Alias)]
    left: list[Poly] = []
    for other in system.aliases:
        for name in names:
            coefficient, others = equation.terms.get((name,)), other.terms.get((name,))
            if coefficient in (1, -1) and others in (1, -1):
                system.equations.append(other.plus(equation, -1 if coefficient == others else 1))
                break
        else:
            left.append(other)
    system.aliases = left
    return equation


def _youngest(equation: Poly) -> int:
    return max((a.serial for a in equation.atoms() if isinstance(a.form, Alias)), default=0)


def _solved(equation: Poly, system: _System, stuck: Sequence[Poly]) -> tuple[Atom, Poly] | None:
    """An atom and the polynomial that it equals; one that can be replaced everywhere."""
    linear = [m[0] for m, c in equation.terms.items() if len(m) == 1 and c in (1, -1)]
    if not linear:
        return None
    in_products: set[Atom] = set()
    for poly in (*system.inequalities, *system.equations, *system.aliases, *stuck, equation):
        for monomial in poly.terms:
            if len(monomial) > 1:
                in_products.update(monomial)
    for branches in system.disjunctions:
        for branch in branches:
            for poly in condition_polys(branch):
                for monomial in poly.terms:
                    if len(monomial) > 1:
                        in_products.update(monomial)
    # An equation that defines an atom is solved for it: what it stands for shows the digits.
    for atom in sorted(linear, key=lambda a: (a not in system.defined, -a.serial)):
        coefficient = equation.terms[(atom,)]
        value = Poly({m: -c * coefficient for m, c in equation.terms.items() if m != (atom,)})
        if atom not in in_products or value.value is not None or value.single() is not None:
            return atom, value
    return None


def _replace(poly: Poly, atom: Atom, value: Poly) -> Poly:
    touched = [m for m in poly.terms if atom in m]
    if not touched:
        return poly
    result = Poly({m: c for m, c in poly.terms.items() if m not in set(touched)})
    for monomial in touched:
        coefficient = poly.terms[monomial]
        if len(monomial) == 1:
            result = result.plus(value, coefficient)
            continue
        others = tuple(a for a in monomial if a is not atom)
        power = len(monomial) - len(others)
        number, single = value.value, value.single()
        if number is not None:
            result = result.plus(Poly({others: 1}), coefficient * number**power)
        elif single is not None:
            renamed = tuple(sorted((*others, *([single] * power))))
            result = result.plus(Poly({renamed: 1}), coefficient)
        else:
            raise AssertionError("an atom in products is replaced by a number or an atom only")
    return result


def _substitute(system: _System, atom: Atom, value: Poly) -> None:
    system.solved[atom] = value
    system.equations = [_replace(p, atom, value) for p in system.equations]
    system.aliases = [_replace(p, atom, value) for p in system.aliases]
    system.inequalities = [
        p if q is p else tighten(q)
        for p in system.inequalities
        for q in (_replace(p, atom, value),)
    ]
    system.disjunctions = [
        tuple(_replace_condition(c, atom, value) for c in branches)
        for branches in system.disjunctions
    ]


def _replace_condition(condition: Condition, atom: Atom, value: Poly) -> Condition:
    match condition:
        case AtLeastZero(poly=p):
            return at_least_zero(_replace(p, atom, value))
        case IsZero(poly=p):
            return is_zero(_replace(p, atom, value))
        case NotZero(poly=p):
            replaced = _replace(p, atom, value)
            return AnyOf((AtLeastZero(replaced.shift(-1)), AtLeastZero((-replaced).shift(-1))))
        case Opaque():
            return condition
        case AllOf(parts=parts):
            return AllOf(tuple(_replace_condition(c, atom, value) for c in parts))
        case AnyOf(parts=parts):
            return AnyOf(tuple(_replace_condition(c, atom, value) for c in parts))


# ---------------------------------------------------------------- digits


def _digits(equation: Poly, system: _System, budget: Budget) -> tuple[Poly, Poly] | None:
    """Split an equation at a stride, if the lower digit is provably smaller than it."""
    splits = _splits(equation)
    bounds = Bounds(system.inequalities) if splits else None
    for high, low, stride in splits:
        if bounds is not None and _bounded(low, stride, system.inequalities, bounds, budget):
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
        found.append((Poly(high), Poly(low), Poly({(atom,): 1})))
    sizes = sorted({abs(c) for m, c in equation.terms.items() if m and abs(c) > 1}, reverse=True)
    for size in sizes:
        high = {m: c // size for m, c in equation.terms.items() if m and c % size == 0}
        low = {m: c for m, c in equation.terms.items() if not m or c % size}
        if high and low:
            found.append((Poly(high), Poly(low), constant(size)))
    return found


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
    relevant = _connected([low, stride], inequalities)
    if any(len(m) > 1 for p in relevant for m in p.terms):
        relevant.extend(signs([low, *relevant], bounds))
    over = tighten(low - stride)
    under = tighten((-low) - stride)
    return contradictory([*relevant, over], budget) and contradictory([*relevant, under], budget)


def _connected(goal: Sequence[Poly], inequalities: Sequence[Poly]) -> list[Poly]:
    """The inequalities that share monomials with the goal, by up to three steps."""
    wanted: set[Monomial] = {m for p in goal for m in p.terms if m}
    chosen: list[Poly] = []
    left = list(inequalities)
    for _ in range(3):
        further: list[Poly] = []
        added = False
        reach = set(wanted)
        for poly in left:
            monomials = [m for m in poly.terms if m]
            if any(m in reach for m in monomials):
                chosen.append(poly)
                wanted.update(monomials)
                added = True
            else:
                further.append(poly)
        left = further
        if not added:
            break
    return chosen


# ---------------------------------------------------------------- disjunctions


def _propagate(system: _System) -> bool | None:
    """Drop false branches and assume the only one left; None if a disjunction has none.

    Otherwise whether something was assumed.
    """
    bounds: dict[frozenset[tuple[Monomial, int]], int] = {}
    for poly in system.inequalities:
        linear = frozenset((m, c) for m, c in poly.terms.items() if m)
        offset = poly.offset
        if linear not in bounds or offset < bounds[linear]:
            bounds[linear] = offset
    taken = False
    for linear, offset in bounds.items():
        # Between 0 and 0: an equation, which can be solved.
        if (
            bounds.get(frozenset((m, -c) for m, c in linear)) == -offset
            and linear not in system.tied
        ):
            system.tied.update((linear, frozenset((m, -c) for m, c in linear)))
            system.equations.append(Poly({**dict(linear), (): offset} if offset else dict(linear)))
            taken = True
    before, system.disjunctions = system.disjunctions, []
    for branches in before:
        alive = tuple(b for b in branches if not _false(b, bounds, system))
        if not alive:
            return None
        if len(alive) == 1:
            if not _assume(system, alive):
                return None
            taken = True
        elif not any(isinstance(b, AllOf) and not b.parts for b in alive):
            system.disjunctions.append(alive)
    return taken


def _false(
    condition: Condition, bounds: dict[frozenset[tuple[Monomial, int]], int], system: _System
) -> bool:
    match condition:
        case AtLeastZero(poly=p):
            if p.value is not None:
                return p.value < 0
            opposite = bounds.get(frozenset((m, -c) for m, c in p.terms.items() if m))
            return opposite is not None and p.offset + opposite < 0
        case IsZero(poly=p):
            if p.value is not None:
                return p.value != 0
            content = p.content()
            return content > 1 and p.offset % content != 0
        case NotZero(poly=p):
            return p.value == 0
        case Opaque(key=key, parts=parts, positive=positive):
            return system.decided.get((key, parts), positive) != positive
        case AllOf(parts=parts):
            return any(_false(c, bounds, system) for c in parts)
        case AnyOf(parts=parts):
            return all(_false(c, bounds, system) for c in parts)
