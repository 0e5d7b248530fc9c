"""What `with unsafe("why it holds"):` lifts: every obligation of a statement inside.

Of two accesses one inside is enough. What is lifted counts as known to nobody: no proof takes
it for granted (`facts/walk.py` adds no condition behind a check that is vouched for).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from oxide_analyzer.facts.accesses import LocalRead
from oxide_analyzer.ir.nodes import Read, Unsafe
from oxide_analyzer.ir.walk import expressions, site_of, statements
from oxide_analyzer.record import record

if TYPE_CHECKING:
    from collections.abc import Mapping

    from oxide_analyzer.ir.kernel import Kernel
    from oxide_analyzer.proof.subjects import Obligation
    from oxide_analyzer.source import Span


@record
class Vouched:
    """The statements and reads of locals inside `unsafe` blocks, each with its blocks."""

    statements: Mapping[int, tuple[Unsafe, ...]]
    reads: Mapping[Span, tuple[Unsafe, ...]]

    def blocks_of(self, obligation: Obligation) -> tuple[Unsafe, ...]:
        """The `unsafe` blocks round what an obligation speaks of."""
        if isinstance(obligation.subject, LocalRead):
            return self.reads.get(obligation.subject.span, ())
        found = [b for site in sorted(obligation.sites) for b in self.statements.get(site, ())]
        return tuple(dict.fromkeys(found))

    def covers(self, obligation: Obligation) -> bool:
        """Whether an `unsafe` block lifts it."""
        return bool(self.blocks_of(obligation))


def vouched(kernel: Kernel) -> Vouched:
    """What the `unsafe` blocks of a kernel lift."""
    inside: dict[int, tuple[Unsafe, ...]] = {}
    reads: dict[Span, tuple[Unsafe, ...]] = {}
    for block in unsafe_blocks(kernel):
        for stmt in statements(block.body):
            site = site_of(stmt)
            if site is not None:
                inside[site] = (*inside.get(site, ()), block)
        for expr in expressions(block.body):
            if isinstance(expr, Read):
                reads[expr.span] = (*reads.get(expr.span, ()), block)
    return Vouched(inside, reads)


def unsafe_blocks(kernel: Kernel) -> tuple[Unsafe, ...]:
    """The `unsafe` blocks of a kernel, in the order of the source."""
    return tuple(s for s in statements(kernel.body) if isinstance(s, Unsafe))
