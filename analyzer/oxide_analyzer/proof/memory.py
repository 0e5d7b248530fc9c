"""What one thread owes to memory: bounds, divisors, checks of its own, and nothing undefined.

    a[i]                     0 <= i  and  i < len(a), each index by itself
    row = a[i:j]             0 <= i,  i <= j,  j <= len(a)
    a.load(i, 4)             i % 4 == 0
    assert n % 2 == 0        n % 2 == 0, and what comes behind may take it for granted
    tile[t]                  some thread has written it, and a barrier lies between (`coverage`)

An index whose interval of numbers is inside its extent needs no query.
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
from oxide_analyzer.proof.subjects import Bound, Kind, Obligation

if TYPE_CHECKING:
    from collections.abc import Iterator

    from oxide_analyzer.facts.accesses import Access, Claim
    from oxide_analyzer.facts.effects import Analysis
    from oxide_analyzer.facts.polys import Poly


def memory_obligations(analysis: Analysis) -> Iterator[Obligation]:
    """Everything that one thread has to show by itself."""
    yield from _bounds(analysis)
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


def _bounds(analysis: Analysis) -> Iterator[Obligation]:
    for access in analysis.effects.whole:
        for axis, (index, length) in enumerate(
            zip(access.index, shape(analysis, access.array), strict=True)
        ):
            (low, high), (shortest, _) = map(analysis.evaluator.interval, (index, length))
            queries = []
            if low is None or low < 0:
                queries.append((*access.path, less(index, constant(0))))
            if high is None or shortest is None or high >= shortest:
                queries.append((*access.path, negate(less(index, length))))
            subject = Bound(access, axis, index, length)
            yield Obligation(Kind.BOUNDS, subject, tuple(queries))


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
