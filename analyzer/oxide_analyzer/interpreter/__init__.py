"""The reference interpreter: what the kernel IR means, races and all.

`arithmetic` is the meaning of the operators, `warps` of what lanes do together; `translate` writes
a kernel as a Python function that plays one thread, `actions` what that calls; `machine` and
`ensemble` run the threads of a launch, in the order of a `schedule`; `ordering` knows what nothing
orders, `memory` what is undefined, `outcome` what a run came to; `visits` asks who comes where.

Reading a kernel needs `arithmetic` alone, so the machine is imported by the first run.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from oxide_analyzer.interpreter.outcome import (
    BadView,
    Divergence,
    Event,
    FailedAssertion,
    Failure,
    HarmfulExit,
    Misaligned,
    Outcome,
    OutOfBounds,
    OutsideMask,
    Race,
    Uninitialised,
    WarpDivergence,
    ZeroDivisor,
)
from oxide_analyzer.interpreter.schedule import Named, Schedule

if TYPE_CHECKING:
    from collections.abc import Mapping

    from oxide_analyzer.interpreter.stops import Debugger
    from oxide_analyzer.ir.kernel import Kernel
    from oxide_analyzer.launch import Launch

__all__ = [
    "BadView",
    "Divergence",
    "Event",
    "FailedAssertion",
    "Failure",
    "HarmfulExit",
    "Misaligned",
    "Named",
    "OutOfBounds",
    "Outcome",
    "OutsideMask",
    "Race",
    "Schedule",
    "Uninitialised",
    "WarpDivergence",
    "ZeroDivisor",
    "run",
    "sites",
    "visited",
]

BUDGET = 2_000_000
FAILURES = 64


def run(
    kernel: Kernel,
    launch: Launch,
    *,
    schedule: Schedule = Named.IN_ORDER,
    budget: int = BUDGET,
    failures_limit: int = FAILURES,
    debugger: Debugger | None = None,
) -> Outcome:
    """Run every thread of the launch, for at most `budget` steps or `failures_limit` failures.

    Threads take turns as `schedule` says, a name or the seed of a random one; a `debugger` may
    stop them.

    The kernel holds no `Symbol`; the launch gives every parameter, of the right rank and in the
    range of its type: else ValueError. The contract of the kernel is not looked at. What a
    failure leaves undefined continues as the language defines it, see `outcome`.
    """
    from oxide_analyzer.interpreter.execution import execute

    return execute(kernel, launch, schedule, budget, failures_limit, debugger)


def sites(kernel: Kernel) -> tuple[int, ...]:
    """The statements that a run notes who comes to."""
    from oxide_analyzer.interpreter.translate import translate

    return tuple(translate(kernel).statements)


def visited(
    kernel: Kernel, launch: Launch, wanted: Mapping[tuple[int, int], int], budget: int = BUDGET
) -> tuple[Mapping[int, set[int]], int]:
    """Which threads come to which statements, until as many of each block have come to them as
    are `wanted`, by (site, block); and the steps that this took. See `visits`."""
    from oxide_analyzer.interpreter.visits import visited

    return visited(kernel, launch, wanted, budget)
