"""Which violations of a kernel without a contract its author has to answer for.

Code that is not Oxide's says nothing of how it is launched. A launch that breaks such a kernel is
found by choosing sizes, and what was chosen may be what nobody launches: a length that no other
length has, more blocks than there are elements, an index array full of large numbers. So of what
breaks, an error is only

* what breaks on the launches that the file shows, as far as it shows them: the grid, and the
  lengths of the arrays in question; or
* what breaks as well on a natural launch: two blocks of as many threads as there are elements
  along each axis, numbers as large as the lengths; of two threads, or of those that leave early,
  also where one element is missing; and
* for one thread alone, whatever the arrays hold, as their data may keep to any rule, and however
  long the array is whose end it passes, as that may be any length that the author sees to.

    a[thread of the grid] = 0, launched as [(n + 255) // 256, 256] on n elements      an error
    b[a[i]] = 0                                                  a question about what a holds
    hist[x[i]] += 1                                              an error: two may be equal

The rest stays unproved: the warning says which launch would break it.
"""

from __future__ import annotations

from dataclasses import replace
from math import prod
from typing import TYPE_CHECKING

from oxide_analyzer.interpreter import run
from oxide_analyzer.interpreter.arithmetic import zero
from oxide_analyzer.interpreter.outcome import (
    BadView,
    FailedAssertion,
    Misaligned,
    OutOfBounds,
    ZeroDivisor,
)
from oxide_analyzer.ir.kernel import OWN_DIALECT
from oxide_analyzer.ir.nodes import Dim, Register, Special
from oxide_analyzer.ir.walk import subexpressions
from oxide_analyzer.launch import Contents, Launch, Repeated
from oxide_analyzer.proof.admission import instances, symbols
from oxide_analyzer.proof.launches import Admitted
from oxide_analyzer.proof.refute import place_of
from oxide_analyzer.proof.trials import NATURAL, PARTIAL, axes_read
from oxide_analyzer.proof.verdicts import ELSEWHERE, Judged, Refuted, Unknown
from oxide_analyzer.record import record

if TYPE_CHECKING:
    from oxide_analyzer.interpreter import Failure
    from oxide_analyzer.ir.kernel import Kernel
    from oxide_analyzer.proof.ladder import Judgement
    from oxide_analyzer.proof.verdicts import Violation

_STEPS = 200_000
_MOST_ELEMENTS = 1 << 20
# What a thread does wrong whatever the others do.
_ALONE = (OutOfBounds, BadView, ZeroDivisor, FailedAssertion, Misaligned)


def answered_for(judgement: Judgement) -> Judgement:
    """The judgement with those violations only that hold of launches that are there."""
    kernel = judgement.analysis.kernel
    if kernel.dialect == OWN_DIALECT or not judgement.violations:
        return judgement
    usual = _natural(kernel, judgement)
    kept = tuple(v for v in judgement.violations if _is_firm(kernel, v, usual))
    places = {place_of(v.failure) for v in kept}
    judged: list[Judged] = []
    for one in judgement.judged:
        if isinstance(one.result, Refuted):
            violation = one.result.violation
            if place_of(violation.failure) not in places:
                judged.append(Judged(one.obligation, Unknown(_reason(kernel, violation))))
                continue
        elif not kept and one.result == Unknown(ELSEWHERE):
            # It was not looked at, and what was is enough to say.
            continue
        judged.append(one)
    return replace(judgement, violations=kept, judged=tuple(judged))


def _is_firm(kernel: Kernel, violation: Violation, usual: tuple[_Natural, ...]) -> bool:
    failure, place = violation.failure, place_of(violation.failure)
    if not symbols(kernel) and _is_shown(kernel, failure):
        return not isinstance(failure, _ALONE) or _is_free_of_data(kernel, violation)
    return bool(usual) and all(one.breaks(failure, place) for one in usual)


@record
class _Natural:
    """A natural launch of a kernel whose constants are known, and what breaks on it: with some
    data, and with zeros; `partly` breaks where one element is missing."""

    kernel: Kernel
    launch: Launch
    broken: tuple[frozenset[object], ...]
    partly: frozenset[object]

    def breaks(self, failure: Failure, place: object) -> bool:
        """Whether this is broken on it too."""
        if not isinstance(failure, _ALONE):
            return any(place in found for found in (*self.broken, self.partly))
        return all(place in found for found in self.broken) and (
            not isinstance(failure, OutOfBounds | BadView) or self.breaks_longer(failure)
        )

    def breaks_longer(self, failure: OutOfBounds | BadView) -> bool:
        """Whether the end of an array is passed as well where it is much longer."""
        held = self.launch.arrays.get(failure.event.array or "")
        if held is None:
            return True
        shape = list(held.shape)
        # As long as the product of two sizes, which is what indices go up to.
        shape[failure.axis] *= 2 * max(shape)
        if prod(shape) > _MOST_ELEMENTS:
            return False
        nothing = zero(self.kernel.arrays[failure.event.array or ""].element)
        longer = Contents(tuple(shape), (nothing,) * prod(shape))
        arrays = {**self.launch.arrays, failure.event.array or "": longer}
        outcome = run(self.kernel, replace(self.launch, arrays=arrays), budget=_STEPS)
        return any(place_of(f) == place_of(failure) and f.clean for f in outcome.failures)


def _is_shown(kernel: Kernel, failure: Failure) -> bool:
    """Whether the launch is known as far as the failure depends on it."""
    mentioned = [
        inner
        for requirement in kernel.contract.requires
        for inner in subexpressions(requirement.condition)
    ]
    known = {
        e.axis for e in mentioned if isinstance(e, Special) and e.register is Register.GRID_DIM
    }
    if not {0, *axes_read(kernel)} <= known or kernel.contract.is_inferred:
        return False
    if isinstance(failure, OutOfBounds | BadView):
        array = kernel.arrays.get(failure.event.array or "")
        if array is not None and isinstance(array.shape[0], Dim):
            return any(
                isinstance(e, Dim) and e.array == array.name and e.axis == failure.axis
                for e in mentioned
            )
    return True


def _is_free_of_data(kernel: Kernel, violation: Violation) -> bool:
    """Whether it breaks as well where all arrays are zero."""
    launch, place = _zeroed(kernel, violation.launch), place_of(violation.failure)
    for concrete, _ in instances(kernel, Admitted(kernel)):
        outcome = run(concrete, launch, schedule=violation.schedule, budget=_STEPS)
        if any(place_of(failure) == place for failure in outcome.failures):
            return True
    return False


def _natural(kernel: Kernel, judgement: Judgement) -> tuple[_Natural, ...]:
    """A natural launch for each of some values of the constants that nobody knows."""
    found: list[_Natural] = []
    for concrete, launches in instances(kernel, Admitted(kernel, (), judgement.flat)):
        launch = launches.two_blocks(NATURAL)
        if launch is None:
            continue
        broken = tuple(_broken(concrete, one) for one in (launch, _zeroed(concrete, launch)))
        fewer = launches.two_blocks(PARTIAL)
        partly = frozenset[object]() if fewer is None else _broken(concrete, fewer)
        found.append(_Natural(concrete, launch, broken, partly))
    return tuple(found)


def _broken(kernel: Kernel, launch: Launch) -> frozenset[object]:
    """What breaks on a launch, whatever else did."""
    outcome = run(kernel, launch, budget=_STEPS)
    return frozenset(place_of(f) for f in outcome.failures if f.clean)


def _zeroed(kernel: Kernel, launch: Launch) -> Launch:
    arrays = {
        name: Contents(held.shape, Repeated((zero(kernel.arrays[name].element),), len(held.values)))
        for name, held in launch.arrays.items()
    }
    return replace(launch, arrays=arrays)


def _reason(kernel: Kernel, violation: Violation) -> str:
    launch = violation.launch
    grid, block = (_extent(extent) for extent in (launch.grid, launch.block))
    lengths = [
        f"{name}.shape = {held.shape}"
        if len(held.shape) > 1
        else f"len({name}) = {prod(held.shape)}"
        for name, held in launch.arrays.items()
        if held.shape
    ]
    scalars = [f"{name} = {value}" for name, value in launch.scalars.items()]
    values = ", ".join((lengths + scalars)[:6])
    return f"`{kernel.name}[{grid}, {block}]` would break it, with {values}"


def _extent(extent: tuple[int, int, int]) -> str:
    x, y, z = extent
    if z > 1:
        return f"({x}, {y}, {z})"
    return f"({x}, {y})" if y > 1 else str(x)
