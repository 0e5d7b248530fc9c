"""From what one run came to, without a proof, to diagnostics: rule, place and words.

The same rules and words as for a violation that the prover finds, where what they say needs
nothing but the run: no fixes, no round of a loop, and whether two threads write the same value is
not asked. One finding for each pair of statements.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, assert_never

from oxide_analyzer.diagnostics import AccessKind, Related
from oxide_analyzer.interpreter.outcome import (
    BadView,
    Divergence,
    FailedAssertion,
    HarmfulExit,
    Misaligned,
    OutOfBounds,
    OutsideMask,
    Race,
    Uninitialised,
    WarpDivergence,
    ZeroDivisor,
)
from oxide_analyzer.ir.nodes import Atomic, CheckDivisor, Read, Scope, Space, WarpOp
from oxide_analyzer.ir.walk import expressions, statements
from oxide_analyzer.rules import ox102_write_write_race as ox102
from oxide_analyzer.rules import ox103_read_write_race as ox103
from oxide_analyzer.rules import ox104_shared_memory_race as ox104
from oxide_analyzer.rules import ox105_cross_block_race as ox105
from oxide_analyzer.rules import ox106_mixed_atomic_access as ox106
from oxide_analyzer.rules import ox107_atomic_scope_too_narrow as ox107
from oxide_analyzer.rules import ox201_divergent_barrier as ox201
from oxide_analyzer.rules import ox202_exit_before_barrier as ox202
from oxide_analyzer.rules import ox203_divergent_warp_operation as ox203
from oxide_analyzer.rules import ox301_out_of_bounds as ox301
from oxide_analyzer.rules import ox303_uninitialised_read as ox303
from oxide_analyzer.rules import ox306_misaligned_vector_access as ox306
from oxide_analyzer.rules import ox307_division_by_zero as ox307
from oxide_analyzer.rules import ox308_assertion_fails as ox308
from oxide_analyzer.rules.wording import element, thread, verb
from oxide_analyzer.violations import standing
from oxide_analyzer.witnesses import violated

if TYPE_CHECKING:
    from collections.abc import Iterable

    from oxide_analyzer.diagnostics import Diagnostic
    from oxide_analyzer.interpreter import Failure
    from oxide_analyzer.interpreter.outcome import Event
    from oxide_analyzer.ir.kernel import Kernel
    from oxide_analyzer.launch import Launch


def observed(kernel: Kernel, launch: Launch, failures: Iterable[Failure]) -> list[Diagnostic]:
    """What went wrong on a launch, each pair of statements once."""
    found: dict[object, Diagnostic] = {}
    for failure in failures:
        one = _diagnostic(kernel, launch, failure)
        places = frozenset((one.span, *(related.span for related in one.related)))
        found.setdefault((one.code[:3], places), one)
    return sorted(found.values(), key=lambda d: (d.span.path, d.span.line, d.span.column, d.code))


def _diagnostic(kernel: Kernel, launch: Launch, failure: Failure) -> Diagnostic:
    match failure:
        case Race():
            return _race(kernel, launch, failure)
        case OutOfBounds(event=event):
            message = ox301.message(failure, launch, kernel.arrays[str(event.array)].rank)
            return violated(ox301.RULE, kernel, event, (), message, launch)
        case BadView(event=event):
            message = ox301.view_message(failure, launch)
            return violated(ox301.RULE, kernel, event, (), message, launch)
        case Misaligned(event=event):
            return violated(ox306.RULE, kernel, event, (), ox306.message(failure, launch), launch)
        case FailedAssertion(event=event):
            return violated(ox308.RULE, kernel, event, (), ox308.message(failure, launch), launch)
        case ZeroDivisor(event=event):
            message = ox307.message(failure, launch, _role(kernel, event.site))
            return violated(ox307.RULE, kernel, event, (), message, launch)
        case Uninitialised(event=event):
            message = ox303.message(failure, launch, _local_at(kernel, event))
            return violated(ox303.RULE, kernel, event, (), message, launch)
        case Divergence(waiting=waiting, other=other):
            message = ox201.message(failure, launch)
            return violated(
                ox201.RULE, kernel, waiting, _elsewhere(waiting, other, launch), message, launch,
                other,
            )  # fmt: skip
        case WarpDivergence(waiting=waiting, other=other):
            message = ox203.message(failure, _function(kernel, waiting.site), launch)
            return violated(
                ox203.RULE, kernel, waiting, _elsewhere(waiting, other, launch), message, launch,
                other,
            )  # fmt: skip
        case OutsideMask(event=event):
            message = ox203.outside_message(failure, _function(kernel, event.site), launch)
            return violated(ox203.RULE, kernel, event, (), message, launch)
        case HarmfulExit(exit=left, barrier=barrier, access=access):
            related = (
                Related(barrier.span, f"{thread(barrier, launch)} waits here without it"),
                Related(access.span, f"{thread(access, launch)} {verb(access.kind)} here"),
            )
            message = ox202.message(failure, launch)
            return violated(ox202.RULE, kernel, left, related, message, launch, access)
        case _:
            assert_never(failure)


def _race(kernel: Kernel, launch: Launch, race: Race) -> Diagnostic:
    stands, other = standing(race.first, race.second)
    array = kernel.arrays[str(stands.array)]
    kinds = {stands.kind, other.kind}
    if kinds == {AccessKind.ATOMIC}:
        narrow = _scope(kernel, stands)
        if narrow is None:
            # It is the narrow one of the two that is wrong.
            stands, other, narrow = other, stands, _scope(kernel, other)
        rule, message = ox107.RULE, ox107.message(stands, other, narrow or Scope.BLOCK, launch)
    elif AccessKind.ATOMIC in kinds:
        rule, message = ox106.RULE, ox106.race_message(stands, other, launch)
    elif array.space is Space.SHARED:
        rule, message = ox104.RULE, ox104.message(stands, other, launch)
    elif race.first.block != race.second.block:
        rule, message = ox105.RULE, ox105.message(stands, other, launch)
    elif kinds == {AccessKind.WRITE}:
        rule, message = ox102.RULE, ox102.message(race, launch)
    else:
        rule, message = ox103.RULE, ox103.message(stands, other, launch)
    related = (Related(other.span, f"{thread(other, launch)} {verb(other.kind)} {element(other)}"),)
    return violated(rule, kernel, stands, related, message, launch, other)


def _elsewhere(waiting: Event, other: Event, launch: Launch) -> tuple[Related, ...]:
    if other.kind is AccessKind.WAIT and other.span != waiting.span:
        return (Related(other.span, f"{thread(other, launch)} waits here"),)
    return ()


def _scope(kernel: Kernel, event: Event) -> Scope | None:
    """The scope of an atomic, if it does not reach beyond its block."""
    for stmt in statements(kernel.body):
        if isinstance(stmt, Atomic) and stmt.site == event.site:
            return stmt.scope if stmt.scope in (Scope.BLOCK, Scope.CLUSTER) else None
    return None


def _role(kernel: Kernel, site: int | None) -> str:
    for stmt in statements(kernel.body):
        if isinstance(stmt, CheckDivisor) and stmt.site == site:
            return stmt.role.value
    return "divisor"


def _function(kernel: Kernel, site: int | None) -> str:
    for stmt in statements(kernel.body):
        if isinstance(stmt, WarpOp) and stmt.site == site:
            return stmt.function.value
    return "sync_warp"


def _local_at(kernel: Kernel, event: Event) -> str:
    for expr in expressions(kernel.body):
        if isinstance(expr, Read) and expr.span == event.span:
            return expr.local.source_name
    return "it"
