"""What one thread owes to memory: bounds, divisors, checks of its own, and nothing undefined.

    a[i]                     0 <= i  and  i < len(a), each index by itself
    row = a[i:j]             0 <= i,  i <= j,  j <= len(a)
    a.load(i, 4)             i % 4 == 0
    assert n % 2 == 0        n % 2 == 0, and what comes behind may take it for granted
    tile[t]                  some thread has written it, and a barrier lies between (`coverage`)

An index whose interval of numbers is inside its extent needs no query. Of many accesses that
differ by a number, the least and the greatest index are asked about first.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, assert_never

from oxide_analyzer.diagnostics import AccessKind
from oxide_analyzer.facts.conditions import TRUE, equal, less, negate
from oxide_analyzer.facts.polys import constant
from oxide_analyzer.facts.state import State
from oxide_analyzer.ir.nodes import (
    Assert,
    AtomicOp,
    CheckAligned,
    CheckIndex,
    CheckView,
    Ownership,
)
from oxide_analyzer.proof.coverage import uncovered
from oxide_analyzer.proof.groups import extremes, groups
from oxide_analyzer.proof.subjects import Bound, Kind, Obligation

if TYPE_CHECKING:
    from collections.abc import Iterator

    from oxide_analyzer.facts.accesses import Access, Claim
    from oxide_analyzer.facts.conditions import Condition
    from oxide_analyzer.facts.effects import Analysis
    from oxide_analyzer.facts.polys import Poly
    from oxide_analyzer.proof.groups import Group, IsSettled
    from oxide_analyzer.proof.subjects import Query


def memory_obligations(analysis: Analysis, is_settled: IsSettled) -> Iterator[Obligation]:
    """Everything that one thread has to show by itself."""
    yield from _bounds(analysis, is_settled)
    for claim in analysis.effects.claims:
        queries = tuple((*claim.path, negate(goal)) for goal in claim.goals if goal != TRUE)
        yield Obligation(kind_of_claim(claim), claim, queries)
    for divisor in analysis.effects.divisors:
        query = (*divisor.path, equal(divisor.value, constant(0)))
        yield Obligation(Kind.DIVISOR, divisor, (query,))
    yield from _elements(analysis)
    for read in analysis.effects.reads:
        query = (*read.path, negate(read.assigned))
        yield Obligation(Kind.LOCAL, read, (query,))


def kind_of_claim(claim: Claim) -> Kind:
    """What a check of its own is about; an index into a view is a bound like any other."""
    match claim.stmt:
        case CheckIndex() | CheckView():
            return Kind.BOUNDS
        case CheckAligned():
            return Kind.ALIGNMENT
        case Assert():
            return Kind.ASSERTION
        case _:
            assert_never(claim.stmt)


def _bounds(analysis: Analysis, is_settled: IsSettled) -> Iterator[Obligation]:
    shapes: dict[str, tuple[Poly, ...]] = {}
    together: dict[Access, list[tuple[Query, ...]]] = {}
    for of_array in groups(analysis.effects.whole).values():
        for group in of_array:
            if len(group.members) >= _MANY_MEMBERS:
                _bound_together(analysis, group, is_settled, together)
    for access in analysis.effects.whole:
        extents = shapes.get(access.array)
        if extents is None:
            extents = shapes[access.array] = shape(analysis, access.array)
        for axis, (index, length) in enumerate(zip(access.index, extents, strict=True)):
            settled = together.get(access)
            queries = settled[axis] if settled else None
            if queries is None:
                queries = _out_of_bounds(analysis, access.path, index, index, length)
            yield Obligation(Kind.BOUNDS, Bound(access, axis, index, length), queries)


# So many accesses of one form are worth a question about the first and the last of them.
_MANY_MEMBERS = 4


def _bound_together(
    analysis: Analysis,
    group: Group,
    is_settled: IsSettled,
    together: dict[Access, list[tuple[Query, ...]]],
) -> None:
    """If the least and the greatest index of a group are in bounds, all are."""
    by_axis: list[tuple[Query, ...]] = []
    for axis, length in enumerate(shape(analysis, group.array)):
        least, most = extremes(group, axis)
        queries = _out_of_bounds(analysis, group.path, least, most, length)
        if not all(map(is_settled, queries)):
            return
        by_axis.append(queries)
    for member in group.members:
        together[member.access] = by_axis


def _out_of_bounds(
    analysis: Analysis, path: tuple[Condition, ...], least: Poly, most: Poly, length: Poly
) -> tuple[Query, ...]:
    interval = analysis.evaluator.interval
    (low, _), (_, high), (shortest, _) = interval(least), interval(most), interval(length)
    queries: list[Query] = []
    if low is None or low < 0:
        queries.append((*path, less(least, constant(0))))
    if high is None or shortest is None or high >= shortest:
        queries.append((*path, negate(less(most, length))))
    return tuple(queries)


def shape(analysis: Analysis, array: str) -> tuple[Poly, ...]:
    """The extents of an array."""
    return tuple(
        analysis.evaluator.integer(e, State({}, ())) for e in analysis.kernel.arrays[array].shape
    )


def _elements(analysis: Analysis) -> Iterator[Obligation]:
    """Every element of shared and local memory that is read was written before."""
    for access in analysis.effects.whole:
        array = analysis.kernel.arrays[access.array]
        if array.ownership is not Ownership.SCRATCH or not _reads(access):
            continue
        query = (*access.path, *(uncovered(analysis, access)))
        yield Obligation(Kind.ELEMENT, access, (query,))


def _reads(access: Access) -> bool:
    """Whether an access needs what is in its element; an atomic store does not."""
    if access.atomic is not None:
        return access.atomic.op is not AtomicOp.STORE
    return access.kind is not AccessKind.WRITE
