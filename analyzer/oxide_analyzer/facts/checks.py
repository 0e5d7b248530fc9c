"""What stands behind a check, and for whom.

    out[i] = a[i]         behind it 0 <= i < len(a), for the threads that are still there

A thread that fails a check goes no further, so what a check says holds on the path behind it. That
suffices for a proof of a whole kernel: of all that goes wrong in a launch something is the first,
and what came before it did not fail. Where threads wait for one another a failed check is recorded
and its thread goes on, since others would wait for ever: there nothing is known behind it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from oxide_analyzer.facts.conditions import at_least_zero, at_most, is_zero, less
from oxide_analyzer.facts.polys import constant
from oxide_analyzer.ir.kernel import OWN_DIALECT
from oxide_analyzer.ir.nodes import (
    Assert,
    Atomic,
    Barrier,
    CheckAligned,
    CheckIndex,
    CheckView,
    Group,
    While,
)
from oxide_analyzer.ir.walk import blocks, statements

if TYPE_CHECKING:
    from oxide_analyzer.facts.conditions import Condition
    from oxide_analyzer.facts.state import State
    from oxide_analyzer.facts.values import Evaluator
    from oxide_analyzer.ir.kernel import Kernel
    from oxide_analyzer.ir.nodes import Stmt


def claimed(
    evaluator: Evaluator, stmt: CheckIndex | CheckView | CheckAligned | Assert, state: State
) -> tuple[Condition, ...]:
    """What a check of its own says, in the values of the thread that comes to it."""
    match stmt:
        case CheckIndex(index=index, extent=extent):
            place, length = (evaluator.integer(e, state) for e in (index, extent))
            return at_least_zero(place), less(place, length)
        case CheckView(start=start, stop=stop, extent=extent):
            low, high, length = (evaluator.integer(e, state) for e in (start, stop, extent))
            return at_least_zero(low), at_most(low, high), at_most(high, length)
        case CheckAligned(offset=offset, width=width):
            terms = evaluator.launch.terms
            whole = evaluator.launch.in_multiples(evaluator.integer(offset, state))
            return (is_zero(terms.remainder(whole, constant(width))),)
        case Assert(condition=condition):
            return (evaluator.condition(condition, state),)


def goes_on(kernel: Kernel) -> bool:
    """Whether a thread goes on behind a check that fails: others may wait for it.

    Kernels of other dialects do not say whether they are cooperative; what they do does.
    """
    is_declared = kernel.contract.cooperative and kernel.dialect == OWN_DIALECT
    return is_declared or any(
        (isinstance(s, Barrier) and s.group is Group.GRID) or _waits(s)
        for s in statements(kernel.body)
    )


def _waits(stmt: Stmt) -> bool:
    return isinstance(stmt, While) and any(
        isinstance(s, Atomic) for inner in blocks(stmt) for s in statements(inner)
    )
