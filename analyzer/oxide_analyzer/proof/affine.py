"""The first prover: equations of mixed radix, substitution, and linear inequalities.

It shows that conditions contradict each other, in plain Python and mostly within fractions of a
millisecond. What it does with `hypotheses`:

1. Take them apart and add what is known of their atoms (`system`, `powers`).
2. Solve equations: digits of mixed radix, and substitution (`equations`).
3. Drop branches of disjunctions that have become false; what has no branch left contradicts.
4. Refute the inequalities by elimination (`linear`), with what order says of products (`order`):
   x + 1 <= y and s >= 0 give x·s + s <= y·s. Where integers fulfil them, nothing will (`points`).
5. Split a disjunction and prove every branch.
6. Where nothing is left to split, compare factors of products: if x >= y, with x·s >= y·s, cannot
   be, then x + 1 <= y and x·s + s <= y·s.
7. Try a power of two with each number that it can be.

Incomplete, never unsound: it answers True only for a contradiction.
"""

from __future__ import annotations

from itertools import islice
from typing import TYPE_CHECKING

from oxide_analyzer import deadline
from oxide_analyzer.facts.conditions import (
    AllOf,
    AnyOf,
    AtLeastZero,
    Condition,
    IsZero,
    NotZero,
    Opaque,
    condition_polys,
    is_arithmetic,
)
from oxide_analyzer.facts.polys import Atom, Element, Poly, Variable
from oxide_analyzer.proof.allowance import current
from oxide_analyzer.proof.equations import connected, solve_equations
from oxide_analyzer.proof.linear import Budget, contradictory
from oxide_analyzer.proof.order import Bounds, comparisons, order_lemmas
from oxide_analyzer.proof.plain import plainly_contradict
from oxide_analyzer.proof.points import point_of
from oxide_analyzer.proof.powers import numbers_between
from oxide_analyzer.proof.system import System, assume, close

if TYPE_CHECKING:
    from collections.abc import Iterable

    from oxide_analyzer.facts.terms import Terms

STEPS = 6_000
# What an obligation is given that small launches do not break, in front of the solver.
PATIENT = 10 * STEPS
_DEEPEST_SPLIT = 7
# A power of two that is one of so many numbers is tried with each.
_MOST_NUMBERS = 12
_CASE_STEPS = 2_000
_COMPARE_ROUNDS = 2
_MOST_PAIRS = 16
_COMPARE_STEPS = 4_000
# What a question costs besides the steps that it takes.
_QUESTION = 10


def refutes(terms: Terms, hypotheses: Iterable[Condition], steps: int = STEPS) -> bool:
    """Whether `hypotheses` contradict each other.

    What has been asked is not computed again: many statements ask the same, and on its way
    through the ladder an obligation is looked at several times. What contradicts itself does so
    under further conditions too: the same is asked again deeper in branches.
    """
    # What two threads share both say: said once, it is split once.
    given = tuple(dict.fromkeys(hypotheses))
    key = (given, steps)
    known = terms.answers.get(key)
    if known is None:
        deadline.check()
        allowance = current()
        known = plainly_contradict(given)
        if not known and not allowance.is_spent:
            allowance.steps += _QUESTION
            ended = allowance.ended
            every = frozenset(given)
            proved = terms.contradictions.setdefault(given[-1], []) if given else []
            known = any(fewer <= every for fewer in proved)
            if not known and _asked(terms, given, steps):
                known = True
                proved.append(every)
            elif not known and allowance.ended > ended:
                terms.unfinished.add(key)
        terms.answers[key] = known
    return known


def is_unfinished(terms: Terms, hypotheses: Iterable[Condition]) -> bool:
    """Whether `refutes` has found nothing because its steps ended: more may find something."""
    return (tuple(dict.fromkeys(hypotheses)), STEPS) in terms.unfinished


def refutes_patiently(terms: Terms, hypotheses: Iterable[Condition]) -> bool:
    """The same as `refutes`, with more steps where those were too few."""
    given = tuple(dict.fromkeys(hypotheses))
    return refutes(terms, given) or (is_unfinished(terms, given) and refutes(terms, given, PATIENT))


def _asked(terms: Terms, given: tuple[Condition, ...], steps: int) -> bool:
    if terms.implied and any(isinstance(c, IsZero) for c in given):
        # Where two threads meet, what is implied of sizes is mostly in the way.
        bare = tuple(c for c in given if c not in terms.implied)
        if len(bare) < len(given) and _refutes(terms, _steady(terms, bare), steps):
            return True
    # Which way data sent a thread seldom matters: without it there is less to try.
    steady = _steady(terms, given)
    if len(steady) < len(given):
        if _refutes(terms, steady, steps):
            return True
        if steps < STEPS:
            return False
    return _refutes(terms, given, steps)


def _steady(terms: Terms, given: tuple[Condition, ...]) -> tuple[Condition, ...]:
    """The hypotheses without the choices that floats, or numbers of no other hypothesis, make."""
    choices = [c for c in given if isinstance(c, AnyOf)]
    if not choices:
        return given
    firm = [c for c in given if not isinstance(c, AnyOf)]
    bound = {a for c in firm for p in condition_polys(c) for a in p.atoms()}

    def is_loose(atom: Atom) -> bool:
        free = isinstance(atom.form, (Variable, Element)) and atom not in terms.axioms
        return free and atom not in bound

    loose = {
        c
        for c in choices
        if not is_arithmetic(c) or any(is_loose(a) for p in condition_polys(c) for a in p.atoms())
    }
    return tuple(c for c in given if c not in loose) if loose else given


def _refutes(terms: Terms, given: tuple[Condition, ...], steps: int) -> bool:
    system = System()
    if not (assume(system, given) and close(system, terms)):
        return True
    cases = system.copy() if system.powers and steps >= STEPS else None
    if _refute(system, terms, Budget(steps, min(steps, _COMPARE_STEPS)), 0):
        return True
    return cases is not None and _refute_each(cases, terms, _CASE_STEPS)


def _refute_each(system: System, terms: Terms, steps: int) -> bool:
    """Try a power of two with every number that it can be: what is left of it is linear."""
    bounds = system.bounds()
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
        if not (assume(case, (IsZero(poly.shift(-value)),)) and close(case, terms)):
            continue
        again = case.copy() if case.powers else None
        if _refute(case, terms, Budget(steps), 0):
            continue
        if again is None or not _refute_each(again, terms, steps):
            return False
    return True


# ---------------------------------------------------------------- the procedure


def _refute(system: System, terms: Terms, budget: Budget, depth: int) -> bool:
    while True:
        if solve_equations(system, budget):
            return True
        taken = _propagate(system)
        if taken is None or (taken and not close(system, terms)):
            return True
        if not taken:
            break
    rows = list(system.inequalities.values())
    if contradictory(rows, budget):
        return True
    if any(p.factors for p in rows) and point_of(rows) is None:
        lemmas = order_lemmas(rows, system.bounds)
        if lemmas and contradictory([*rows, *lemmas], budget):
            return True
        if not system.disjunctions and _compared(rows, lemmas, budget):
            return True
    if depth >= _DEEPEST_SPLIT or not system.disjunctions or budget.steps < 0:
        return False
    certain = _narrowed(system)
    if certain is None:
        return True
    if certain:
        # What is left of them is no choice.
        assumed = assume(system, certain) and close(system, terms)
        return not assumed or _refute(system, terms, budget, depth)
    if not system.disjunctions:
        return False
    split = min(range(len(system.disjunctions)), key=lambda i: len(system.disjunctions[i]))
    branches = system.disjunctions.pop(split)
    for branch in branches:
        case = system.copy()
        if not (assume(case, (branch,)) and close(case, terms)):
            continue
        if not _refute(case, terms, budget, depth + 1):
            return False
    return True


def _narrowed(system: System) -> list[Condition] | None:
    """Look at the choices by intervals: drop false branches, and choices of which one is true.

    Gives the branches that are the only ones of their choices; None if one has no branch left.
    """
    bounds = system.bounds()
    certain: list[Condition] = []
    left: list[tuple[Condition, ...]] = []
    for branches in dict.fromkeys(system.disjunctions):
        alive: list[Condition] = []
        for branch in branches:
            held = _by_bounds(branch, bounds)
            if held:
                break
            if held is None:
                alive.append(branch)
        else:
            if not alive:
                return None
            if len(alive) == 1:
                certain.append(alive[0])
            else:
                left.append(tuple(alive))
    system.disjunctions = left
    return certain


def _by_bounds(condition: Condition, bounds: Bounds) -> bool | None:
    """Whether intervals decide a condition, and how."""
    match condition:
        case AtLeastZero(poly=p):
            low, high = bounds.of(p)
            if low is not None and low >= 0:
                return True
            return False if high is not None and high < 0 else None
        case IsZero(poly=p):
            low, high = bounds.of(p)
            never = (low is not None and low > 0) or (high is not None and high < 0)
            return False if never else None
        case NotZero(poly=p):
            low, high = bounds.of(p)
            always = (low is not None and low > 0) or (high is not None and high < 0)
            return True if always else None
        case AllOf(parts=parts):
            decided = [_by_bounds(c, bounds) for c in parts]
            return False if False in decided else None if None in decided else True
        case _:
            return None


def _compared(rows: list[Poly], lemmas: list[Poly], budget: Budget) -> bool:
    """Refute `rows` after comparing the factors of products: x·s < y·s makes x < y."""
    # Of two factors all products are compared at once: of x and y both x·x, x·y and x·y, y·y.
    pairs: dict[tuple[Poly, Poly], tuple[list[Poly], list[Poly]]] = {}
    for x, y, less_lemma, more_lemma in islice(comparisons(rows), _MOST_PAIRS):
        at_least, beyond = pairs.setdefault((x, y), ([], []))
        at_least.append(less_lemma)
        beyond.append(more_lemma)
    if not pairs:
        return False
    budget.release()
    rows = [*rows, *lemmas]
    left = list(pairs.items())
    for _ in range(_COMPARE_ROUNDS):
        news: list[Poly] = []
        open_, left = left, []
        for pair in open_:
            (x, y), (at_least, beyond) = pair
            budget.spend(len(rows))
            # If y <= x, with what that says of the products, cannot be, then x + 1 <= y.
            relevant = connected([x - y, *at_least], [*rows, *news])
            if contradictory([*relevant, x - y, *at_least], budget):
                news.extend(((y - x).shift(-1), *beyond))
            else:
                left.append(pair)
            if budget.steps < 0:
                return False
        if not news:
            return False
        rows.extend(news)
        if contradictory(rows, budget):
            return True
    return False


# ---------------------------------------------------------------- disjunctions


def _propagate(system: System) -> bool | None:
    """Drop false branches and assume the only one left; None if a disjunction has none.

    Otherwise whether something was assumed.
    """
    taken = False
    rows = system.inequalities
    if system.are_tied():
        for slope, poly in rows.items():
            # Between 0 and 0: an equation, which can be solved.
            opposite = rows.get(poly.opposite)
            is_tied = opposite is not None and opposite.offset == -poly.offset
            if is_tied and slope not in system.tied:
                system.tied.update((slope, poly.opposite))
                system.equations.append(poly)
                taken = True
    before, system.disjunctions = system.disjunctions, []
    for branches in before:
        alive = tuple(b for b in branches if not _false(b, system))
        if not alive:
            return None
        if len(alive) == 1:
            if not assume(system, alive):
                return None
            taken = True
        elif not any(isinstance(b, AllOf) and not b.parts for b in alive):
            system.disjunctions.append(alive)
    return taken


def _false(condition: Condition, system: System) -> bool:
    match condition:
        case AtLeastZero(poly=p):
            if p.value is not None:
                return p.value < 0
            opposite = system.inequalities.get(p.opposite)
            return opposite is not None and p.offset + opposite.offset < 0
        case IsZero(poly=p):
            if p.value is not None:
                return p.value != 0
            content = p.content()
            return content > 1 and p.offset % content != 0
        case NotZero(poly=p):
            if p.value is not None:
                return p.value == 0
            above, below = system.inequalities.get(p.slope), system.inequalities.get(p.opposite)
            if above is None or below is None:
                return False
            return above.offset == p.offset == -below.offset
        case Opaque(key=key, parts=parts, positive=positive):
            return system.decided.get((key, parts), positive) != positive
        case AllOf(parts=parts):
            return any(_false(c, system) for c in parts)
        case AnyOf(parts=parts):
            return all(_false(c, system) for c in parts)
