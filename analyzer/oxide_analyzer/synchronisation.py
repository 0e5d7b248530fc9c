"""Findings about meeting: who waits in vain at a barrier or warp operation, and who left before.

They stand on the barrier or warp operation, and name the branch that keeps threads apart; what an
early exit leaves behind stands on the `return`. One more is about a `sync_threads` that orders
nothing.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from oxide_analyzer.diagnostics import AccessKind, Diagnostic, Edit, Fix, Related
from oxide_analyzer.facts.polys import Level
from oxide_analyzer.facts.uniformity import group_of
from oxide_analyzer.fixes.barriers import moved_out
from oxide_analyzer.interpreter import Divergence
from oxide_analyzer.ir.nodes import (
    AsyncCopy,
    Atomic,
    Barrier,
    Fence,
    Group,
    Inline,
    Return,
    Space,
    Unsafe,
    WarpOp,
)
from oxide_analyzer.ir.walk import statements, supplied_by
from oxide_analyzer.proof.exits import may_follow
from oxide_analyzer.proof.verdicts import Proved
from oxide_analyzer.rules import ox201_divergent_barrier as ox201
from oxide_analyzer.rules import ox202_exit_before_barrier as ox202
from oxide_analyzer.rules import ox203_divergent_warp_operation as ox203
from oxide_analyzer.rules import ox205_redundant_barrier as ox205
from oxide_analyzer.rules import ox902_unproved_convergence as ox902
from oxide_analyzer.rules.wording import thread, verb
from oxide_analyzer.source import Span
from oxide_analyzer.witnesses import violated

if TYPE_CHECKING:
    from collections.abc import Iterator

    from oxide_analyzer.facts.accesses import Arrival
    from oxide_analyzer.interpreter.outcome import HarmfulExit, OutsideMask, WarpDivergence
    from oxide_analyzer.ir.kernel import Kernel
    from oxide_analyzer.launch import Launch
    from oxide_analyzer.proof.ladder import Judgement
    from oxide_analyzer.proof.subjects import Meeting

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
    message = ox201.message(failure, launch, _supplied(judgement, waiting.site))
    found = violated(ox201.RULE, kernel, waiting, related, message, launch, other)
    yield replace(found, fixes=tuple(moved_out(judgement.analysis, waiting.site)))
    if (
        other.kind is AccessKind.WAIT
        and other.site != waiting.site
        and _is_barrier(judgement, other.site)
    ):
        turned = Divergence(other, waiting, failure.clean)
        message = ox201.message(turned, launch, _supplied(judgement, other.site))
        found = violated(ox201.RULE, kernel, other, related, message, launch, waiting)
        yield replace(found, fixes=tuple(moved_out(judgement.analysis, other.site)))


def warp_divergence(judgement: Judgement, failure: WarpDivergence, launch: Launch) -> Diagnostic:
    """A warp operation at which one lane waits and another of its mask does not come."""
    waiting, other = failure.waiting, failure.other
    related = _branch(judgement, waiting.site)
    if other.kind is AccessKind.WAIT and other.span != waiting.span:
        related += (Related(other.span, f"{thread(other, launch)} waits here"),)
    kernel = judgement.analysis.kernel
    supplied = _supplied(judgement, waiting.site)
    # What is done with fragments is of the warp, all else that is supplied of the block.
    is_of_warp = supplied is not None and supplied.startswith("mma.")
    if supplied is not None and not is_of_warp:
        message = ox201.message(failure, launch, supplied)
        return violated(ox201.RULE, kernel, waiting, related, message, launch, other)
    message = ox203.message(failure, supplied or _name(judgement, waiting.site), launch)
    return violated(ox203.RULE, kernel, waiting, related, message, launch, other)


def outside_mask(judgement: Judgement, failure: OutsideMask, launch: Launch) -> Diagnostic:
    """A lane at a warp operation whose mask does not hold it."""
    event = failure.event
    message = ox203.outside_message(failure, _name(judgement, event.site), launch)
    return violated(ox203.RULE, judgement.analysis.kernel, event, (), message, launch)


def harmful_exit(judgement: Judgement, failure: HarmfulExit, launch: Launch) -> Diagnostic:
    """A `return` before a barrier behind which somebody misses who left."""
    leaving, barrier, access = failure.exit, failure.barrier, failure.access
    supplied = _supplied(judgement, access.site)
    related = (Related(barrier.span, f"{thread(barrier, launch)} waits here without it"),)
    if supplied is None:
        related += (Related(access.span, f"{thread(access, launch)} {verb(access.kind)} here"),)
        message = ox202.message(failure, launch)
    else:
        message = ox202.supplied_message(failure, launch, supplied)
    kernel = judgement.analysis.kernel
    return violated(ox202.RULE, kernel, leaving, related, message, launch, access)


def redundant(judgement: Judgement) -> Iterator[Diagnostic]:
    """Each `sync_threads` of a proved kernel between accesses that never conflict.

    Whatever may come before the barrier touches other arrays than whatever may come behind it, or
    both only read them. Where atomics or fences are about, a barrier may order what other blocks
    see, and where threads leave early, or with `grid_sync`, nothing is said; nor of barriers in
    helpers, which others may call.
    """
    kernel = judgement.analysis.kernel
    every = tuple(statements(kernel.body))
    if any(isinstance(s, (Atomic, AsyncCopy, Fence, Return, Unsafe)) for s in every):
        return
    if any(isinstance(s, Barrier) and s.group is Group.GRID for s in every):
        return
    if not all(isinstance(judged.result, Proved) for judged in judgement.judged):
        return
    shared = [
        access
        for access in judgement.analysis.effects.whole
        if kernel.arrays[access.array].space is not Space.LOCAL
    ]
    for arrival in judgement.analysis.effects.arrivals:
        if not isinstance(arrival.stmt, Barrier) or _is_shared(arrival):
            continue
        before = [a for a in shared if may_follow(a.position, arrival.position)]
        behind = [a for a in shared if may_follow(arrival.position, a.position)]
        if any(
            first.array == second.array and {first.kind, second.kind} != {AccessKind.READ}
            for first in before
            for second in behind
        ):
            continue
        yield ox205.RULE.diagnostic(
            arrival.stmt.span,
            ox205.message(),
            kernel=kernel.name,
            fixes=(_without(arrival),),
        )


def _is_shared(arrival: Arrival) -> bool:
    """Whether it stands in a helper."""
    return any(isinstance(frame.owner, Inline) for frame in arrival.position)


def _without(arrival: Arrival) -> Fix:
    """Remove a barrier: its line, or, where it stands alone in its block, the call."""
    span = arrival.stmt.span
    block = arrival.position[-1].block
    lines = [
        line for s in block if s is not arrival.stmt for line in (s.span.line, s.span.end_line)
    ]
    if lines and span.line not in lines and span.line == span.end_line:
        whole = Span(span.path, span.line, 1, span.line + 1, 1)
        return Fix("remove the barrier", (Edit(whole, ""),), safe=True)
    return Fix("remove the barrier", (Edit(span, "pass"),), safe=True)


def open_meeting(kernel: Kernel, meeting: Meeting) -> tuple[str, tuple[Related, ...]]:
    """What is said where threads are not proved to meet, and the branch that may part them."""
    stmt = meeting.arrival.stmt
    group = _GROUPS[group_of(stmt)]
    supplied = supplied_by(kernel.body, stmt.site)
    message = (
        ox902.supplied_message(supplied)
        if supplied is not None
        else ox902.operation_message(stmt.function.value)
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


def _supplied(judgement: Judgement, site: int | None) -> str | None:
    return supplied_by(judgement.analysis.kernel.body, site)


def _is_barrier(judgement: Judgement, site: int | None) -> bool:
    return any(
        isinstance(s, Barrier) and s.site == site
        for s in statements(judgement.analysis.kernel.body)
    )
