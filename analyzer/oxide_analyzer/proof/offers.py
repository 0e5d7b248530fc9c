"""What an author may declare so that an open obligation is proved; offered, never assumed.

The list is longer than that of what is inferred (`inference`): a length tied to the grid, an
upper end of a block extent, equal sizes, and facts about the elements of arrays.

    out[idx[i]] = x      injective(idx)  for the race,  within(idx, 0, len(out))  for the bound

An offer makes every query of the obligation contradictory, contradicts neither the contract nor
what leads to the access, and is the first of its list that does.
"""

from __future__ import annotations

from itertools import combinations, islice
from typing import TYPE_CHECKING

from oxide_analyzer import deadline
from oxide_analyzer.facts.accesses import Claim
from oxide_analyzer.facts.conditions import (
    Condition,
    at_most,
    condition_polys,
    equal,
    less,
    negate,
)
from oxide_analyzer.facts.effects import analyse
from oxide_analyzer.facts.polys import Element, Poly, Variable, constant
from oxide_analyzer.ir.nodes import (
    Assert,
    Binary,
    CheckAligned,
    Compare,
    Const,
    Convert,
    Dim,
    Logic,
    Ownership,
    Param,
    Register,
    Special,
    Symbol,
)
from oxide_analyzer.ir.walk import subexpressions
from oxide_analyzer.proof.affine import refutes
from oxide_analyzer.proof.data_facts import told_apart
from oxide_analyzer.proof.inference import (
    Candidate,
    extents,
    lengths,
    multiple,
    multiples,
    quantities,
    scalars,
)
from oxide_analyzer.proof.realisation import excludes
from oxide_analyzer.proof.subjects import Bound, Pair
from oxide_analyzer.record import record
from oxide_analyzer.repairs import source_text

if TYPE_CHECKING:
    from collections.abc import Iterator

    from oxide_analyzer.facts.effects import Analysis
    from oxide_analyzer.launch import Launch
    from oxide_analyzer.proof.subjects import Obligation, Query

_STEPS = 1_500
_MOST = 24


@record
class Offer:
    """A fact as text, and the parameters that it speaks of."""

    text: str
    names: tuple[str, ...]


def offers(
    analysis: Analysis, obligation: Obligation, broken: Launch | None = None
) -> tuple[Offer, ...]:
    """The first fact of the list that would prove `obligation`, if there is one.

    A fact that holds of the `broken` launch, which breaks the obligation, proves nothing.
    """
    if deadline.is_over():
        return ()
    if not obligation.queries:
        return ()
    if isinstance(obligation.subject, Claim) and isinstance(obligation.subject.stmt, CheckAligned):
        return tuple(islice(_widths(analysis, obligation.subject.stmt, obligation.queries), 1))
    whole = [p for q in obligation.queries for c in q for p in condition_polys(c)]
    mentioned = [(p, e) for p, e in quantities(analysis, tuple(_all(obligation)))]
    listed = _list(analysis, obligation, whole, mentioned)
    for offer, fact in islice(listed, _MOST):
        if broken is not None and fact.holds_of(analysis, broken):
            continue
        settled = all(_settles(analysis, q, fact) for q in obligation.queries)
        if settled and not _silences(analysis, obligation, fact):
            return (offer,)
    return ()


def _widths(analysis: Analysis, stmt: CheckAligned, queries: tuple[Query, ...]) -> Iterator[Offer]:
    """A size that is a multiple of the width; offsets are made anew with it."""
    launch = analysis.launch
    for poly, expr in quantities(analysis, tuple(c for q in queries for c in q)):
        if not isinstance(expr, (Dim, Param)):
            continue
        fact = multiple(analysis, poly, expr, stmt.width)
        again = analyse(analysis.kernel, (fact.expr,), launch.flat, compact=launch.compact)
        claims = [c for c in again.effects.claims if c.stmt is stmt]
        if all(
            refutes(again.terms, (*claim.path, negate(goal)))
            for claim in claims
            for goal in claim.goals
        ):
            yield Offer(fact.text, (_name(expr),))


def _all(obligation: Obligation) -> Iterator[Condition]:
    for query in obligation.queries or ():
        yield from query


def _settles(analysis: Analysis, query: Query, fact: _Fact) -> bool:
    return refutes(analysis.terms, (*fact.of(analysis, query), *query), _STEPS)


def _silences(analysis: Analysis, obligation: Obligation, fact: _Fact) -> bool:
    """Whether nobody would come to the access any more."""
    match obligation.subject:
        case Pair(first=first, second=second):
            paths = (first.path, second.path)
        case Bound(access=access):
            paths = (access.path,)
        case _:
            return refutes(analysis.terms, fact.of(analysis, ()), _STEPS)
    return any(refutes(analysis.terms, (*fact.of(analysis, p), *p), _STEPS) for p in paths)


@record
class _Fact:
    """Conditions that a fact adds: those of the launch, and of elements that a query mentions."""

    conditions: tuple[Condition, ...] = ()
    injective: str | None = None
    within: str | None = None
    high: Poly | None = None

    def holds_of(self, analysis: Analysis, launch: Launch) -> bool:
        """Whether a launch plainly fulfils it."""
        of_sizes = self.injective is None and self.within is None
        return of_sizes and not any(excludes(analysis, launch, c) for c in self.conditions)

    def of(self, analysis: Analysis, query: Query) -> tuple[Condition, ...]:
        """What the fact says in a query."""
        found = list(self.conditions)
        if self.injective is not None:
            found.extend(told_apart(analysis, frozenset({self.injective}), query))
        if self.within is not None and self.high is not None:
            reached = analysis.terms.reachable(p for c in query for p in condition_polys(c))
            for atom in reached:
                if isinstance(atom.form, Element) and atom.form.array == self.within:
                    element = Poly({(atom,): 1})
                    found.append(at_most(constant(0), element))
                    found.append(less(element, self.high))
        return tuple(found)


def _list(
    analysis: Analysis,
    obligation: Obligation,
    polys: list[Poly],
    mentioned: list[tuple[Poly, Dim | Param | Special | Symbol]],
) -> Iterator[tuple[Offer, _Fact]]:
    query = tuple(_all(obligation))
    subject = obligation.subject
    if isinstance(subject, Claim) and isinstance(subject.stmt, Assert):
        # What is asserted of a launch may as well be declared.
        inside = list(subexpressions(subject.stmt.condition))
        known = (Param, Dim, Const, Compare, Logic, Binary, Convert)
        if all(isinstance(e, known) for e in inside):
            names = tuple(_name(e) for e in inside if isinstance(e, (Dim, Param)))
            offer = Offer(source_text(subject.stmt.condition), tuple(dict.fromkeys(names)))
            yield offer, _Fact(subject.goals)
    elements = {
        atom.form.array: None
        for atom in analysis.terms.reachable(polys)
        if isinstance(atom.form, Element)
        and analysis.kernel.arrays[atom.form.array].ownership is Ownership.READ_ONLY
    }
    for array in elements:
        if isinstance(subject, Pair):
            yield Offer(f"injective({array})", (array,)), _Fact(injective=array)
        if isinstance(subject, Bound):
            shown = str(subject.length)
            named = _names(analysis, subject.length)
            if named is not None:
                offer = Offer(f"within({array}, 0, {shown})", (array, *named))
                yield offer, _Fact(within=array, high=subject.length)
    if isinstance(subject, Bound | Claim):
        for candidate in (*lengths(analysis, subject), *lengths(analysis, subject, tied=True)):
            yield _plain(analysis, candidate)
    for candidate in scalars(analysis, query, (0, 1)):
        yield _plain(analysis, candidate)
    for candidate in (*multiples(analysis, query), *extents(analysis, query)):
        yield _plain(analysis, candidate)
    sizes = sorted(
        {
            int(e.value)
            for a in analysis.kernel.arrays.values()
            for e in a.shape
            if isinstance(e, Const)
        }
    )
    for poly, expr in mentioned:
        if isinstance(expr, Special) and expr.register is Register.BLOCK_DIM:
            for size in sizes:
                yield Offer(f"{poly} <= {size}", ()), _Fact((at_most(poly, constant(size)),))
    launch = [(p, e) for p, e in mentioned if isinstance(e, (Dim, Param))]
    for (left, one), (right, other) in combinations(launch[:6], 2):
        text = f"{left} == {right}"
        yield Offer(text, (_name(one), _name(other))), _Fact((equal(left, right),))


def _plain(analysis: Analysis, candidate: Candidate) -> tuple[Offer, _Fact]:
    names = (
        *(_names(analysis, candidate.left) or ()),
        *(_names(analysis, candidate.right) or ()),
    )
    return Offer(candidate.text, tuple(dict.fromkeys(names))), _Fact((candidate.condition,))


def _names(analysis: Analysis, poly: Poly) -> tuple[str, ...] | None:
    """The parameters that a polynomial of launch-wide quantities speaks of."""
    found: dict[str, None] = {}
    for atom in analysis.terms.reachable((poly,), lambda _: True):
        expr = analysis.launch.quantities.get(atom)
        if isinstance(expr, (Dim, Param)):
            found[_name(expr)] = None
        elif expr is None and isinstance(atom.form, Variable):
            return None
    return tuple(found)


def _name(expr: Dim | Param) -> str:
    return expr.array if isinstance(expr, Dim) else expr.name
