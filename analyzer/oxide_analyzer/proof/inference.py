"""Which fact about launches would prove what is not proved: abduction from a closed list.

* a length is at least an expression of scalars, lengths and block extents: read off what bounds
  the index (`i < len(c)` on the path asks `len(a) >= len(c)` of `a[i]`);
* a scalar is at least 0 or 1;
* a block extent is at least a constant of the kernel, or a multiple of one that it divides by.

In Oxide's own dialect a length is never tied to the grid; in others it is where no launch says how
long the array is. Every candidate is checked by the prover before it counts.
Facts about lengths, scalars at least 1 and block extents repair bounds, initialisation and
divisors; races are repaired by scalars that are not negative, and by nothing else here.
"""

from __future__ import annotations

from itertools import islice
from typing import TYPE_CHECKING, TypeGuard

from oxide_analyzer.facts.accesses import Access, Claim, Divisor, LocalRead
from oxide_analyzer.facts.conditions import (
    AllOf,
    AnyOf,
    AtLeastZero,
    Condition,
    IsZero,
    at_most,
    condition_polys,
    is_zero,
)
from oxide_analyzer.facts.polys import Level, Poly, Quotient, constant
from oxide_analyzer.facts.terms import Substitution
from oxide_analyzer.ir.kernel import OWN_DIALECT
from oxide_analyzer.ir.nodes import (
    Binary,
    BinaryOp,
    Compare,
    CompareOp,
    Const,
    Convert,
    Dim,
    Expr,
    Param,
    Register,
    Special,
    Symbol,
)
from oxide_analyzer.ir.walk import expressions, subexpressions
from oxide_analyzer.language.types import I64
from oxide_analyzer.launch import MAX_THREADS
from oxide_analyzer.proof.affine import refutes
from oxide_analyzer.proof.subjects import Bound, Kind, Obligation
from oxide_analyzer.record import record

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from oxide_analyzer.facts.effects import Analysis
    from oxide_analyzer.facts.polys import Atom
    from oxide_analyzer.ir.kernel import Kernel
    from oxide_analyzer.proof.subjects import Query

_MOST_CANDIDATES = 12
_MOST_ATOMS = 12


@record
class Candidate:
    """A comparison, as a condition for the prover and as an expression for the runtime."""

    left: Poly
    right: Poly
    condition: Condition
    expr: Expr
    text: str

    @property
    def is_sign(self) -> bool:
        """Whether it says that a scalar is not negative."""
        quantity = self.expr.left if isinstance(self.expr, Compare) else self.expr
        if isinstance(quantity, Convert):
            quantity = quantity.operand
        return isinstance(quantity, Param | Symbol) and self.right == constant(0)


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
        case Bound() | Claim() as subject if obligation.kind is Kind.BOUNDS:
            yield from lengths(analysis, subject)
            if analysis.kernel.dialect != OWN_DIALECT and not _is_seen(analysis.kernel, subject):
                # Other code has no contract to declare it in: a missing guard is a precondition,
                # unless the launch is there to see.
                yield from lengths(analysis, subject, tied=True)
            yield from scalars(analysis, query, (0, 1))
            yield from extents(analysis, query)
            yield from multiples(analysis, query)
            yield from nonempty(analysis, _divisors(analysis, query))
        case Divisor(value=value):
            yield from scalars(analysis, query, (1,))
            yield from nonempty(analysis, (value,))
        case Access():
            yield from extents(analysis, query)
            yield from multiples(analysis, query)
            yield from scalars(analysis, query, (0, 1))
        case LocalRead():
            yield from multiples(analysis, query)
        case _ if obligation.kind in (Kind.RACE, Kind.BLOCK_RACE, Kind.EXIT):
            yield from scalars(analysis, query, (0,))
        case _:
            return


# ---------------------------------------------------------------- the closed list


@record
class _Reached:
    """An index that must stay below a length; where, and beside which other indices."""

    index: Poly
    length: Poly
    path: tuple[Condition, ...]
    indices: tuple[Poly, ...]


def _reached(analysis: Analysis, subject: Bound | Claim) -> Iterator[_Reached]:
    match subject:
        case Bound(access=access, axis=axis, index=index, length=length):
            if isinstance(analysis.kernel.arrays[access.array].shape[axis], Dim):
                yield _Reached(index, length, access.path, access.index)
        case Claim(goals=goals, path=path):
            for goal in goals:
                rest = goal.poly if isinstance(goal, AtLeastZero) else constant(0)
                for atom in rest.atoms():
                    is_length = isinstance(analysis.launch.quantities.get(atom), Dim)
                    if is_length and rest.terms.get((atom,)) == 1:
                        length = Poly({(atom,): 1})
                        index = length.shift(-1) - rest
                        yield _Reached(index, length, path, (index,))


def lengths(
    analysis: Analysis, subject: Bound | Claim, *, tied: bool = False
) -> Iterator[Candidate]:
    """The array is as long as what bounds its index asks; `tied` to the grid if need be."""
    seen: set[tuple[Poly, Poly]] = set()
    for reached in _reached(analysis, subject):
        for limit in _limits(analysis, reached, tied):
            least = limit.shift(1)
            if (reached.length, least) in seen or least.level is not Level.LAUNCH:
                continue
            if has_grid(analysis, least) is not tied:
                continue
            seen.add((reached.length, least))
            candidate = at_least(analysis, reached.length, least)
            if candidate is not None:
                yield candidate


def _limits(analysis: Analysis, reached: _Reached, tied: bool) -> Iterator[Poly]:
    """Polynomials that the index is at most."""
    index = reached.index
    if tied and analysis.kernel.launches:
        # Of a launch that is there nothing is stated but what its last thread needs.
        furthest = _at_highest(analysis, index, (Register.THREAD, Register.BLOCK))
        if furthest is not None:
            yield furthest
        return
    if index.level is Level.LAUNCH:
        yield index
    yield from _rests(analysis, index)
    for condition in _parts(_known(analysis, reached)):
        match condition:
            case AtLeastZero(poly=p):
                yield p + index
            case IsZero(poly=p):
                yield p + index
                yield index - p
            case _:
                pass
    # What the index may be one of has limits of its own: `at = b` for a `b` of a loop.
    for source in islice(analysis.terms.reachable((index,)), _MOST_ATOMS):
        for condition in _parts(analysis.terms.axioms.get(source, ())):
            if isinstance(condition, AtLeastZero):
                limited = (a for a in condition.poly.atoms() if a.level is not Level.LAUNCH)
                yield from (condition.poly + Poly({(atom,): 1}) for atom in limited)
    highest = _at_highest(analysis, index, (Register.THREAD,))
    if highest is not None:
        yield highest
        if tied:
            furthest = _at_highest(analysis, highest, (Register.BLOCK,))
            if furthest is not None:
                yield furthest
    elif tied:
        furthest = _at_highest(analysis, index, (Register.BLOCK,))
        if furthest is not None:
            yield furthest


def _rests(analysis: Analysis, poly: Poly) -> Iterator[Poly]:
    """What a remainder is at most, or a part of it: `x % n`, and `x % (m * n) // n`."""
    for atom in dict.fromkeys(poly.atoms()):
        if not isinstance(atom.form, Quotient):
            continue
        divisor, single = atom.form.divisor, Poly({(atom,): 1})
        if poly + analysis.terms.multiply(divisor, single) == atom.form.dividend:
            yield divisor.shift(-1)
        elif poly == single:
            for limit in _rests(analysis, atom.form.dividend):
                times = _divided(limit.shift(1), divisor)
                if times is not None:
                    yield times.shift(-1)


def _divided(poly: Poly, divisor: Poly) -> Poly | None:
    """The polynomial over a product of quantities, if each of its terms has that as a factor."""
    ((factors, coefficient),) = divisor.terms.items() if len(divisor.terms) == 1 else (((), 0),)
    terms: dict[tuple[Atom, ...], int] = {}
    for monomial, times in poly.terms.items():
        left = list(monomial)
        for factor in factors:
            if factor not in left:
                return None
            left.remove(factor)
        terms[tuple(left)] = times
    return Poly(terms) if coefficient == 1 else None


def _known(analysis: Analysis, reached: _Reached) -> Iterator[Condition]:
    yield from reversed(reached.path)
    known = (p for condition in reached.path for p in condition_polys(condition))
    for poly in (*known, *reached.indices):
        for atom in poly.atoms():
            yield from analysis.terms.axioms.get(atom, ())


def _parts(conditions: Iterable[Condition]) -> Iterator[Condition]:
    """What conditions are made of: where one of several holds, each of them may be what bounds."""
    for condition in conditions:
        match condition:
            case AllOf(parts=parts) | AnyOf(parts=parts):
                yield from _parts(parts)
            case _:
                yield condition


def _at_highest(analysis: Analysis, index: Poly, registers: tuple[Register, ...]) -> Poly | None:
    """The index of the thread or block with the highest number along each axis."""
    values: dict[Atom, Poly] = {}
    for register in registers:
        extent_of = _EXTENTS[register]
        for axis in range(3):
            atom = analysis.launch.register(register, axis).single()
            if atom is not None and atom in set(index.atoms()):
                values[atom] = analysis.launch.register(extent_of, axis).shift(-1)
    return Substitution(analysis.terms, values).poly(index) if values else None


_EXTENTS = {Register.THREAD: Register.BLOCK_DIM, Register.BLOCK: Register.GRID_DIM}


def _is_seen(kernel: Kernel, subject: Bound | Claim) -> bool:
    """Whether the launch says how many blocks there are, and for how many elements.

    k[64, 64](states)       64 blocks, and an array that comes from elsewhere: it is not seen
    k[(n + 63) // 64, 64]   as many as n elements need: what has no guard is for this n
    """
    arrays = {subject.access.array} if isinstance(subject, Bound) else kernel.arrays.keys()
    read = {e.axis for e in expressions(kernel.body) if _is(e, Register.BLOCK)}
    counts, sizes = False, False
    numbers: set[tuple[str, int]] = set()
    for _ in range(2):
        for requirement in kernel.contract.requires:
            inner = tuple(subexpressions(requirement.condition))
            if any(_is(e, Register.GRID_DIM) and e.axis in read for e in inner):
                counts = True
                sizes = sizes or any(
                    (isinstance(e, Binary) and e.op is BinaryOp.FLOORDIV)
                    or (isinstance(e, Dim) and e.array in arrays)
                    for e in inner
                )
            dims = {(e.array, e.axis) for e in inner if isinstance(e, Dim)}
            open_ones = [e for e in inner if isinstance(e, Param | Special | Symbol)]
            if len(dims - numbers) == 1 and not open_ones:
                numbers |= dims
    return counts and (sizes or any(array in arrays for array, _ in numbers))


def _is(expr: Expr, register: Register) -> TypeGuard[Special]:
    return isinstance(expr, Special) and expr.register is register


def has_grid(analysis: Analysis, poly: Poly) -> bool:
    """Whether a polynomial speaks of the number of blocks."""
    grids = {analysis.launch.register(Register.GRID_DIM, axis).single() for axis in range(3)}
    return any(a in grids for a in poly.atoms())


def scalars(analysis: Analysis, query: Query, bounds: tuple[int, ...]) -> Iterator[Candidate]:
    """A scalar that the query mentions is at least a number."""
    for poly, expr in quantities(analysis, query):
        if isinstance(expr, Param | Symbol) and expr.type.is_signed:
            for bound in bounds:
                candidate = at_least(analysis, poly, constant(bound))
                if candidate is not None:
                    yield candidate


def nonempty(analysis: Analysis, divisors: Iterable[Poly]) -> Iterator[Candidate]:
    """An array has an element: something is divided by its length."""
    for atom in dict.fromkeys(atom for divisor in divisors for atom in divisor.atoms()):
        if isinstance(analysis.launch.quantities.get(atom), Dim):
            candidate = at_least(analysis, Poly({(atom,): 1}), constant(1))
            if candidate is not None:
                yield candidate


def _divisors(analysis: Analysis, query: Query) -> Iterator[Poly]:
    for atom in analysis.terms.reachable(p for c in query for p in condition_polys(c)):
        if isinstance(atom.form, Quotient):
            yield atom.form.divisor


def extents(analysis: Analysis, query: Query) -> Iterator[Candidate]:
    """A block extent is at least a number of the query; it is not all that a block can have."""
    numbers = sorted(
        {
            n
            for c in query
            for p in condition_polys(c)
            for n in (abs(p.offset), abs(p.offset) + 1)
            if 1 < n < MAX_THREADS
        }
    )
    for poly, expr in quantities(analysis, query):
        if isinstance(expr, Special) and expr.register is Register.BLOCK_DIM:
            for number in numbers:
                candidate = at_least(analysis, poly, constant(number))
                if candidate is not None:
                    yield candidate


def multiples(analysis: Analysis, query: Query) -> Iterator[Candidate]:
    """A block extent is a multiple of a number by which something is divided."""
    reached = analysis.terms.reachable(p for c in query for p in condition_polys(c))
    numbers = {
        value
        for atom in reached
        if isinstance(atom.form, Quotient)
        for value in (atom.form.divisor.value,)
        if value is not None and 1 < value <= 1024
    }
    for poly, expr in quantities(analysis, query):
        if isinstance(expr, Special) and expr.register is Register.BLOCK_DIM:
            for number in sorted(numbers, reverse=True):
                yield multiple(analysis, poly, expr, number)


def multiple(analysis: Analysis, poly: Poly, expr: Expr, number: int) -> Candidate:
    """`poly % number == 0`."""
    span = analysis.kernel.name_span
    rest = analysis.terms.remainder(poly, constant(number))
    remainder = Binary(BinaryOp.MOD, expr, Const(number, I64, span), I64, span)
    whole = Compare(CompareOp.EQ, remainder, Const(0, I64, span), span)
    return Candidate(rest, constant(0), is_zero(rest), whole, f"{poly} % {number} == 0")


def quantities(
    analysis: Analysis, query: Query
) -> Iterator[tuple[Poly, Dim | Param | Special | Symbol]]:
    """The quantities of the launch that a query mentions, however deep."""
    for atom in analysis.terms.reachable(p for c in query for p in condition_polys(c)):
        expr = analysis.launch.quantities.get(atom)
        if expr is not None:
            yield Poly({(atom,): 1}), expr


def at_least(analysis: Analysis, left: Poly, right: Poly) -> Candidate | None:
    """`left >= right`, if both are made of quantities of the launch."""
    condition = at_most(right, left)
    first, second = analysis.launch.expression(left), analysis.launch.expression(right)
    if first is None or second is None or not isinstance(condition, AtLeastZero):
        return None
    span = analysis.kernel.name_span
    expr = Compare(CompareOp.GE, first, second, span)
    return Candidate(left, right, condition, expr, f"{left} >= {right}")
