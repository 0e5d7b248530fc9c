"""Which fact about launches would prove what is not proved: abduction from a closed list.

* a length is at least an expression of scalars, lengths and block extents: read off what bounds
  the index (`i < len(c)` on the path asks `len(a) >= len(c)` of `a[i]`);
* a scalar is at least 0 or 1;
* a block extent is at least a constant of the kernel.

A length is never tied to the grid. Every candidate is checked by the prover before it counts.
Facts about lengths, scalars at least 1 and block extents repair bounds, initialisation and
divisors; races are repaired by scalars that are not negative, and by nothing else here.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from oxide_analyzer.facts.accesses import Access, Divisor
from oxide_analyzer.facts.conditions import AtLeastZero, Condition, IsZero, at_most, condition_polys
from oxide_analyzer.facts.polys import Level, Poly, constant
from oxide_analyzer.facts.terms import Substitution
from oxide_analyzer.ir.nodes import (
    Compare,
    CompareOp,
    Dim,
    Expr,
    Param,
    Register,
    Space,
    Special,
)
from oxide_analyzer.proof.affine import refutes
from oxide_analyzer.proof.subjects import Bound, Kind, Obligation
from oxide_analyzer.record import record

if TYPE_CHECKING:
    from collections.abc import Iterator

    from oxide_analyzer.facts.effects import Analysis
    from oxide_analyzer.proof.subjects import Query

_MOST_CANDIDATES = 12


@record
class Candidate:
    """`left >= right`, as a condition for the prover and as an expression for the runtime."""

    left: Poly
    right: Poly
    condition: Condition
    expr: Expr
    text: str


def infer(analysis: Analysis, obligation: Obligation) -> tuple[Candidate, ...] | None:
    """Facts under which every query of `obligation` is contradictory, or None."""
    if obligation.queries is None:
        return None
    chosen: list[Candidate] = []
    for query in obligation.queries:
        if refutes(analysis.terms, (*(c.condition for c in chosen), *query)):
            continue
        found = _repair(analysis, obligation, query, chosen)
        if found is None:
            return None
        chosen.append(found)
    return tuple(chosen)


def _repair(
    analysis: Analysis, obligation: Obligation, query: Query, chosen: list[Candidate]
) -> Candidate | None:
    for number, candidate in enumerate(_candidates(analysis, obligation, query)):
        if number >= _MOST_CANDIDATES:
            return None
        assumed = (candidate.condition, *(c.condition for c in chosen))
        if refutes(analysis.terms, assumed):
            continue  # it contradicts the contract, and would prove anything
        if refutes(analysis.terms, (*assumed, *query)):
            return candidate
    return None


def _candidates(analysis: Analysis, obligation: Obligation, query: Query) -> Iterator[Candidate]:
    match obligation.subject:
        case Bound() as bound:
            yield from _lengths(analysis, bound)
            yield from _scalars(analysis, query, (0, 1))
            yield from _extents(analysis, query)
        case Divisor():
            yield from _scalars(analysis, query, (1,))
        case Access():
            yield from _extents(analysis, query)
            yield from _scalars(analysis, query, (0, 1))
        case _ if obligation.kind in (Kind.RACE, Kind.BLOCK_RACE, Kind.EXIT):
            yield from _scalars(analysis, query, (0,))
        case _:
            return


# ---------------------------------------------------------------- the closed list


def _lengths(analysis: Analysis, bound: Bound) -> Iterator[Candidate]:
    if analysis.kernel.arrays[bound.access.array].space is not Space.GLOBAL:
        return
    length = bound.length
    seen: set[Poly] = set()
    for limit in _limits(analysis, bound):
        least = limit.shift(1)
        if least in seen or _has_grid(analysis, least) or least.level is not Level.LAUNCH:
            continue
        seen.add(least)
        candidate = _at_least(analysis, length, least)
        if candidate is not None:
            yield candidate


def _limits(analysis: Analysis, bound: Bound) -> Iterator[Poly]:
    """Polynomials that the index is at most."""
    index = bound.index
    if index.level is Level.LAUNCH:
        yield index
    for condition in _known(analysis, bound.access):
        match condition:
            case AtLeastZero(poly=p):
                yield p + index
            case IsZero(poly=p):
                yield p + index
                yield index - p
            case _:
                pass
    highest = _at_highest(analysis, index)
    if highest is not None:
        yield highest


def _known(analysis: Analysis, access: Access) -> Iterator[Condition]:
    yield from reversed(access.path)
    for condition in access.path:
        for poly in condition_polys(condition):
            for atom in poly.atoms():
                yield from analysis.terms.axioms.get(atom, ())
    for poly in access.index:
        for atom in poly.atoms():
            yield from analysis.terms.axioms.get(atom, ())


def _at_highest(analysis: Analysis, index: Poly) -> Poly | None:
    """The index of the thread with the highest thread index along each axis."""
    values = {}
    for axis in range(3):
        atom = analysis.launch.register(Register.THREAD, axis).single()
        if atom is not None and atom in set(index.atoms()):
            extent = analysis.launch.register(Register.BLOCK_DIM, axis)
            values[atom] = extent.shift(-1)
    return Substitution(analysis.terms, values).poly(index) if values else None


def _has_grid(analysis: Analysis, poly: Poly) -> bool:
    grids = {analysis.launch.register(Register.GRID_DIM, axis).single() for axis in range(3)}
    return any(a in grids for a in poly.atoms())


def _scalars(analysis: Analysis, query: Query, bounds: tuple[int, ...]) -> Iterator[Candidate]:
    for poly, expr in _quantities(analysis, query):
        if isinstance(expr, Param) and expr.type.is_signed:
            for bound in bounds:
                candidate = _at_least(analysis, poly, constant(bound))
                if candidate is not None:
                    yield candidate


def _extents(analysis: Analysis, query: Query) -> Iterator[Candidate]:
    numbers = sorted(
        {
            n
            for c in query
            for p in condition_polys(c)
            for n in (abs(p.offset), abs(p.offset) + 1)
            if 1 < n <= 1024
        }
    )
    for poly, expr in _quantities(analysis, query):
        if isinstance(expr, Special) and expr.register is Register.BLOCK_DIM:
            for number in numbers:
                candidate = _at_least(analysis, poly, constant(number))
                if candidate is not None:
                    yield candidate


def _quantities(analysis: Analysis, query: Query) -> Iterator[tuple[Poly, Dim | Param | Special]]:
    """The quantities of the launch that a query mentions, however deep."""
    for atom in analysis.terms.reachable(p for c in query for p in condition_polys(c)):
        expr = analysis.launch.quantities.get(atom)
        if expr is not None:
            yield Poly({(atom,): 1}), expr


def _at_least(analysis: Analysis, left: Poly, right: Poly) -> Candidate | None:
    condition = at_most(right, left)
    first, second = analysis.launch.expression(left), analysis.launch.expression(right)
    if first is None or second is None or not isinstance(condition, AtLeastZero):
        return None
    span = analysis.kernel.name_span
    expr = Compare(CompareOp.GE, first, second, span)
    return Candidate(left, right, condition, expr, f"{left} >= {right}")
