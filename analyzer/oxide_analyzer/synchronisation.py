"""Findings about meeting: who waits in vain at a barrier or warp operation, and who left before.

They stand on the barrier or warp operation, and name the branch that keeps threads apart; what an
early exit leaves behind stands on the `return`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from oxide_analyzer.diagnostics import AccessKind, Diagnostic, Related
from oxide_analyzer.facts.polys import Level
from oxide_analyzer.facts.uniformity import group_of
from oxide_analyzer.interpreter import Divergence
from oxide_analyzer.ir.nodes import Barrier, WarpOp
from oxide_analyzer.ir.walk import statements
from oxide_analyzer.rules import ox201_divergent_barrier as ox201
from oxide_analyzer.rules import ox202_exit_before_barrier as ox202
from oxide_analyzer.rules import ox203_divergent_warp_operation as ox203
from oxide_analyzer.rules import ox902_unproved_convergence as ox902
from oxide_analyzer.rules.wording import thread, verb
from oxide_analyzer.witnesses import violated

if TYPE_CHECKING:
    from collections.abc import Iterator

    from oxide_analyzer.interpreter.outcome import HarmfulExit, OutsideMask, WarpDivergence
    from oxide_analyzer.launch import Launch
    from oxide_analyzer.proof.ladder import Judgement
    from oxide_analyzer.proof.subjects import Meeting
    from oxide_analyzer.source import Span

_GROUPS = {
    Level.GRID: "threads of the grid",
    Level.BLOCK: "threads of one block",
    Level.WARP: "threads of one warp",
}


def divergence(judgement: Judgement, failure: Divergence, launch: Launch) -> Iterator[Diagnostic]:
    """A barrier at which one thread waits and another does not come; of two barriers, both."""
    kernel = judgement.analysis.kernel
    waiting, other = failure.waiting, failure.other
    related = _branch(judgement, waiting.site)
    if other.kind is AccessKind.WAIT and other.span != waiting.span:
        related += (Related(other.span, f"{thread(other, launch)} waits here"),)
    message = ox201.message(failure, launch)
    yield violated(ox201.RULE, kernel, waiting, related, message, launch, other)
    if (
        other.kind is AccessKind.WAIT
        and other.site != waiting.site
        and _is_barrier(judgement, other.site)
    ):
        message = ox201.message(Divergence(other, waiting, failure.clean), launch)
        yield violated(ox201.RULE, kernel, other, related, message, launch, waiting)


def warp_divergence(judgement: Judgement, failure: WarpDivergence, launch: Launch) -> Diagnostic:
    """A warp operation at which one lane waits and another of its mask does not come."""
    waiting, other = failure.waiting, failure.other
    related = _branch(judgement, waiting.site)
    if other.kind is AccessKind.WAIT and other.span != waiting.span:
        related += (Related(other.span, f"{thread(other, launch)} waits here"),)
    message = ox203.message(failure, _name(judgement, waiting.site), launch)
    kernel = judgement.analysis.kernel
    return violated(ox203.RULE, kernel, waiting, related, message, launch, other)


def outside_mask(judgement: Judgement, failure: OutsideMask, launch: Launch) -> Diagnostic:
    """A lane at a warp operation whose mask does not hold it."""
    event = failure.event
    message = ox203.outside_message(failure, _name(judgement, event.site), launch)
    return violated(ox203.RULE, judgement.analysis.kernel, event, (), message, launch)


def harmful_exit(judgement: Judgement, failure: HarmfulExit, launch: Launch) -> Diagnostic:
    """A `return` before a barrier behind which somebody misses who left."""
    leaving, barrier, access = failure.exit, failure.barrier, failure.access
    related = (
        Related(barrier.span, f"{thread(barrier, launch)} waits here without it"),
        Related(access.span, f"{thread(access, launch)} {verb(access.kind)} here"),
    )
    message = ox202.message(failure, launch)
    kernel = judgement.analysis.kernel
    return violated(ox202.RULE, kernel, leaving, related, message, launch, access)


def open_meeting(meeting: Meeting) -> tuple[str, tuple[Related, ...]]:
    """What is said where threads are not proved to meet, and the branch that may part them."""
    stmt = meeting.arrival.stmt
    group = _GROUPS[group_of(stmt)]
    message = (
        ox902.operation_message(stmt.function.value)
        if isinstance(stmt, WarpOp)
        else ox902.message(group)
    )
    return message, tuple(Related(s, f"{group} may part here") for s in meeting.branches[-1:])


def _branch(judgement: Judgement, site: int | None) -> tuple[Related, ...]:
    """The innermost branch that keeps threads from a barrier or warp operation."""
    spans: list[tuple[Span, Level]] = [
        (parting.span, group_of(arrival.stmt))
        for arrival in judgement.analysis.effects.arrivals
        if arrival.stmt.site == site
        for parting in judgement.analysis.uniform.divergent.get(arrival.stmt.site, ())
    ]
    return tuple(Related(span, f"{_GROUPS[group]} part here") for span, group in spans[-1:])


def _name(judgement: Judgement, site: int | None) -> str:
    for stmt in statements(judgement.analysis.kernel.body):
        if isinstance(stmt, WarpOp) and stmt.site == site:
            return stmt.function.value
    return "operation"


def _is_barrier(judgement: Judgement, site: int | None) -> bool:
    return any(
        isinstance(s, Barrier) and s.site == site
        for s in statements(judgement.analysis.kernel.body)
    )
