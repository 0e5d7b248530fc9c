"""The second tier: run the kernel on small launches and see what breaks.

What the reference interpreter runs into is a violation as it stands: a launch that the contract
admits, two threads, an index. Nothing found proves nothing.

Where a kernel has atomics, what its threads see depends on the order in which they come. Its
launches run under schedules by turns, so that what goes wrong in one order only is found too; any
of them is an order in which a device may run the kernel.
"""

from __future__ import annotations

from math import prod
from typing import TYPE_CHECKING

from oxide_analyzer.interpreter import (
    Divergence,
    Failure,
    HarmfulExit,
    Named,
    OutOfBounds,
    Race,
    Uninitialised,
    ZeroDivisor,
    run,
)
from oxide_analyzer.interpreter.outcome import (
    BadView,
    FailedAssertion,
    Misaligned,
    OutsideMask,
    WarpDivergence,
)
from oxide_analyzer.interpreter.program import waits_elsewhere
from oxide_analyzer.ir.nodes import Atomic
from oxide_analyzer.ir.walk import statements
from oxide_analyzer.proof.allowance import INTERPRETED, current
from oxide_analyzer.proof.launches import in_part
from oxide_analyzer.proof.subjects import Kind
from oxide_analyzer.proof.verdicts import Violation

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from oxide_analyzer.interpreter import Schedule
    from oxide_analyzer.ir.kernel import Kernel
    from oxide_analyzer.launch import Launch
    from oxide_analyzer.proof.launches import Admitted
    from oxide_analyzer.proof.subjects import Obligation

_MOST_LAUNCHES = 14
_STEPS_EACH = 60_000
_STEPS = 300_000
_ORDERS: tuple[Schedule, ...] = (
    Named.IN_ORDER,
    Named.REVERSE,
    Named.IN_ORDER,
    Named.ROUND_ROBIN,
    1,
    Named.IN_ORDER,
    Named.WARPS,
    2,
)
# Launches that add nothing to what is found already, before it is enough.
_QUIET = 3
# Launches of more threads than this are run in part first; so many are tried in part alone.
_MANY_THREADS = 2_048
_MOST_IN_PART = 4
# Launches of more threads than this are tried to be made smaller, in so many steps.
_FEW_THREADS = 8
_MINIMISING = 40_000


def refute(
    kernel: Kernel,
    admitted: Admitted,
    is_enough: Callable[[list[Violation]], bool],
    is_certain: Callable[[Violation], bool],
) -> list[Violation]:
    """Violations on small launches, each kind at each place once, until `is_enough`.

    What happens behind another failure counts only if it `is_certain`: no consequence of it.
    """
    found: dict[object, Violation] = {}
    allowance = current()
    steps = quiet = 0
    schedules = schedules_of(kernel)
    for number, launch in enumerate(_tried(kernel, admitted)):
        before = len(found)
        # Of a launch that is run in part, the blocks come one after the other.
        schedule = Named.IN_ORDER if launch.played else schedules[number % len(schedules)]
        outcome = run(kernel, launch, schedule=schedule, budget=_STEPS_EACH)
        steps += outcome.steps
        allowance.steps += outcome.steps // INTERPRETED
        for failure in outcome.failures:
            violation = Violation(failure, launch, schedule)
            if failure.clean or is_certain(violation):
                found.setdefault(place_of(failure), violation)
        quiet = 0 if len(found) > before else quiet + 1
        if (
            steps > _STEPS
            or allowance.is_spent
            or is_enough(list(found.values()))
            or (found and quiet >= _QUIET)
        ):
            break
    return list(found.values())


def _tried(kernel: Kernel, admitted: Admitted) -> Iterator[Launch]:
    """The launches to run: whole ones, and what can be run of others where there are none."""
    none = True
    for launch in admitted.small(_MOST_LAUNCHES):
        none = False
        if prod(launch.grid) * prod(launch.block) > _MANY_THREADS and not waits_elsewhere(kernel):
            # The budget may end before the last block, which is where sizes show.
            part = in_part(launch)
            if part is not launch:
                yield part
        yield launch
    if none:
        yield from admitted.large(_MOST_IN_PART)


def replay(kernel: Kernel, launch: Launch) -> list[Violation]:
    """What breaks on one launch, under some schedule."""
    allowance = current()
    found: dict[object, Violation] = {}
    steps = 0
    for schedule in dict.fromkeys(schedules_of(kernel)):
        if allowance.is_spent or steps >= _STEPS:
            break
        outcome = run(kernel, launch, schedule=schedule, budget=_STEPS - steps)
        steps += outcome.steps
        allowance.steps += outcome.steps // INTERPRETED
        for failure in outcome.failures:
            if failure.clean:
                found.setdefault(place_of(failure), Violation(failure, launch, schedule))
    return list(found.values())


def minimised(
    kernel: Kernel, admitted: Admitted, violations: Sequence[Violation]
) -> list[Violation]:
    """The same failures on launches of fewer threads, where those that are tried show them.

    Each is run once under a schedule, whatever is looked for.
    """
    smaller: dict[object, Violation] = {}
    for schedule in dict.fromkeys(v.schedule for v in violations):
        asked = {place_of(v.failure): v for v in violations if v.schedule == schedule}
        _minimise(kernel, admitted, schedule, asked, smaller)
    return [smaller.get(place_of(v.failure), v) for v in violations]


def _minimise(
    kernel: Kernel,
    admitted: Admitted,
    schedule: Schedule,
    asked: dict[object, Violation],
    smaller: dict[object, Violation],
) -> None:
    """Find smaller launches for what is `asked`, by the places of the failures."""
    allowance = current()
    left = {place: _threads(violation.launch) for place, violation in asked.items()}
    steps = 0
    for launch in admitted.tiny(max(left.values(), default=0)):
        threads = _threads(launch)
        left = {place: n for place, n in left.items() if n > max(threads, _FEW_THREADS)}
        if not left or allowance.is_spent or steps >= _MINIMISING:
            break
        outcome = run(kernel, launch, schedule=schedule, budget=_MINIMISING - steps)
        steps += outcome.steps
        allowance.steps += outcome.steps // INTERPRETED
        for failure in outcome.failures:
            place = place_of(failure)
            if failure.clean and place in left:
                smaller[place] = Violation(failure, launch, schedule)
                del left[place]


def _threads(launch: Launch) -> int:
    return prod(launch.grid) * prod(launch.block)


def schedules_of(kernel: Kernel) -> tuple[Schedule, ...]:
    """Under which schedules launches run, by turns."""
    if any(isinstance(s, Atomic) for s in statements(kernel.body)):
        return _ORDERS
    return (Named.IN_ORDER,)


def place_of(failure: Failure) -> object:
    """What makes two failures the same finding."""
    match failure:
        case Race(first=a, second=b):
            return (kind_of(failure), frozenset((a.site, b.site)))
        case OutOfBounds(event=event, axis=axis, view=view):
            return (kind_of(failure), event.site, axis, event.index[0 if view else axis] < 0)
        case (
            ZeroDivisor(event=event)
            | Uninitialised(event=event)
            | BadView(event=event)
            | Misaligned(event=event)
            | FailedAssertion(event=event)
        ):
            return (kind_of(failure), event.site, event.span)
        case Divergence(waiting=event) | WarpDivergence(waiting=event) | OutsideMask(event=event):
            return (kind_of(failure), event.site)
        case HarmfulExit(exit=leaving):
            return (kind_of(failure), leaving.site)


def kind_of(failure: Failure) -> Kind:
    """The kind of obligation that a failure breaks."""
    match failure:
        case Race(first=a, second=b):
            return Kind.RACE if a.block == b.block else Kind.BLOCK_RACE
        case OutOfBounds() | BadView():
            return Kind.BOUNDS
        case Misaligned():
            return Kind.ALIGNMENT
        case FailedAssertion():
            return Kind.ASSERTION
        case ZeroDivisor():
            return Kind.DIVISOR
        case Uninitialised(event=event):
            return Kind.LOCAL if event.array is None else Kind.ELEMENT
        case Divergence() | WarpDivergence() | OutsideMask():
            return Kind.CONVERGENCE
        case HarmfulExit():
            return Kind.EXIT


def breaks(violation: Violation, obligation: Obligation) -> bool:
    """Whether a violation is one of this obligation."""
    failure = violation.failure
    if kind_of(failure) is not obligation.kind:
        return False
    match failure:
        case Race(first=a, second=b):
            return frozenset((a.site, b.site)) == obligation.sites
        case OutOfBounds(event=event, axis=axis, view=view):
            if view:
                return event.site in obligation.sites
            return obligation.is_bound_of(event.site, axis)
        case BadView(event=event) | Misaligned(event=event) | FailedAssertion(event=event):
            return event.site in obligation.sites
        case ZeroDivisor(event=event):
            return event.site in obligation.sites
        case Uninitialised(event=event):
            if event.array is None:
                return obligation.is_read_at(event.span)
            return event.site in obligation.sites
        case (
            Divergence(waiting=waiting, other=other) | WarpDivergence(waiting=waiting, other=other)
        ):
            return waiting.site in obligation.sites or other.site in obligation.sites
        case OutsideMask(event=event):
            return event.site in obligation.sites
        case HarmfulExit(exit=leaving):
            return leaving.site in obligation.sites
