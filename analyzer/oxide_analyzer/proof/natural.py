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
  long the array is whose end it passes, as that may be any length that the author sees to; and
* for two threads at an element that data choose, what meets as well where the data count up, or
  what they add to: who stores at places that are loaded, or between ends that are loaded, has
  made them different; and
* nothing whose place, or the way to it, nobody knows: what an unknown function gave.

    a[thread of the grid] = 0, launched as [(n + 255) // 256, 256] on n elements      an error
    b[a[i]] = 0                                                  a question about what a holds
    hist[x[i]] += 1                                              an error: two may be equal
    for k in range(start[i], start[i + 1]): b[k] = 0             a question about what start holds

A negative index counts from behind in Numba's kernels (not in CuPy's), and a slice ends where its
array does, so neither is an error. The rest stays unproved: the warning says which launch would
break it.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from enum import Enum, auto
from math import prod
from random import Random
from typing import TYPE_CHECKING

from oxide_analyzer.interpreter import run
from oxide_analyzer.interpreter.arithmetic import zero
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
from oxide_analyzer.ir.kernel import OWN_DIALECT, ScalarParameter
from oxide_analyzer.ir.nodes import Compare, CompareOp, Dim, Param, Register, Space, Special, Symbol
from oxide_analyzer.ir.walk import expressions, subexpressions
from oxide_analyzer.launch import Contents, Launch, Repeated
from oxide_analyzer.proof.admission import instances, symbols
from oxide_analyzer.proof.contents import contents
from oxide_analyzer.proof.launches import MOST_SHARED, Admitted
from oxide_analyzer.proof.provenance import Origin, Provenance, provenance
from oxide_analyzer.proof.refute import place_of
from oxide_analyzer.proof.trials import EXACT, MORE, NATURAL, PARTIAL, axes_read
from oxide_analyzer.proof.verdicts import ELSEWHERE, Judged, Refuted, Unknown

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from oxide_analyzer.interpreter import Failure
    from oxide_analyzer.ir.kernel import Kernel, Parameter
    from oxide_analyzer.ir.nodes import Expr
    from oxide_analyzer.proof.ladder import Judgement
    from oxide_analyzer.proof.verdicts import Violation

_STEPS = 200_000
_MOST_STEPS = 1_200_000
_MOST_ELEMENTS = 1 << 40
# What a thread does wrong whatever the others do.
_ALONE = (OutOfBounds, BadView, ZeroDivisor, FailedAssertion, Misaligned)
# What the arrays hold: what the launch chose, zeros, ones, and numbers that count up.
_DATA = (None, 0, MORE, EXACT)


def answered_for(judgement: Judgement) -> Judgement:
    """The judgement with those violations only that hold of launches that are there."""
    kernel = judgement.analysis.kernel
    if kernel.dialect == OWN_DIALECT or not judgement.violations:
        return judgement
    usual = _Usual(kernel, judgement)
    kept = tuple(v for v in judgement.violations if usual.is_firm(v))
    places = {place_of(v.failure) for v in kept}
    refuted = [j.result.violation for j in judgement.judged if isinstance(j.result, Refuted)]
    is_told = any(place_of(violation.failure) not in places for violation in refuted)
    judged: list[Judged] = []
    for one in judgement.judged:
        if isinstance(one.result, Refuted):
            violation = one.result.violation
            if place_of(violation.failure) not in places:
                judged.append(Judged(one.obligation, Unknown(_reason(kernel, violation))))
                continue
        elif not kept and one.result == Unknown(ELSEWHERE):
            if is_told:
                # It was not looked at, and what was is enough to say.
                continue
            # What broke was none of these: an exit in front of a barrier, where a read is open.
            reason = _reason(kernel, judgement.violations[0])
            judged.append(Judged(one.obligation, Unknown(reason)))
            continue
        judged.append(one)
    return replace(judgement, violations=kept, judged=tuple(judged))


@dataclass(slots=True)
class _Usual:
    """The natural launches of a kernel, found when they are asked for."""

    kernel: Kernel
    judgement: Judgement
    origins: Provenance = field(init=False)
    _launches: tuple[_Natural, ...] | None = None

    def __post_init__(self) -> None:
        self.origins = provenance(self.kernel)

    def is_firm(self, violation: Violation) -> bool:
        """Whether a violation is one that the author has to answer for."""
        kernel, failure = self.kernel, violation.failure
        if _is_meant(kernel, failure) or self._is_of_open_mask(failure):
            return False
        if any(self.origins.is_unknown(site) for site in _sites(failure)):
            return False
        is_open = isinstance(failure, ZeroDivisor) or symbols(kernel)
        if not is_open and _is_shown(kernel, failure):
            if isinstance(failure, (*_ALONE, Uninitialised)):
                return all(self._breaks(violation, data) for data in _DATA[1:])
            return self._meets(failure) or self._breaks(violation, EXACT)
        launches = self.natural()
        return bool(launches) and all(self._breaks_naturally(one, failure) for one in launches)

    def natural(self) -> tuple[_Natural, ...]:
        """A natural launch for each of some values of the constants that nobody knows."""
        if self._launches is None:
            self._launches = tuple(_natural(self.kernel, self.judgement))
        return self._launches

    def _breaks(self, violation: Violation, data: int) -> bool:
        """Whether it breaks as well where the arrays of its launch hold other data."""
        place = place_of(violation.failure)
        for concrete, _ in instances(self.kernel, Admitted(self.kernel)):
            launch = _filled(concrete, violation.launch, data)
            outcome = run(concrete, launch, schedule=violation.schedule, budget=_STEPS)
            if any(place_of(failure) == place for failure in outcome.failures):
                return True
        return False

    def _breaks_naturally(self, one: _Natural, failure: Failure) -> bool:
        place = place_of(failure)
        if isinstance(failure, _ALONE):
            return all(place in one.broken(data) for data in _DATA) and (
                not isinstance(failure, OutOfBounds) or one.breaks_longer(failure)
            )
        if isinstance(failure, Uninitialised):
            return any(
                all(place in one.broken(data, part) for part in parts for data in _DATA)
                for parts in ((_Part.WHOLE,), (_Part.FEWER, _Part.SQUARE))
            )
        data = _DATA if self._meets(failure) else (EXACT,)
        parts = (_Part.WHOLE, _Part.FEWER)
        return any(place in one.broken(which, part) for which in data for part in parts)

    def _meets(self, failure: Failure) -> bool:
        """Whether two threads may be taken to meet where data choose the place."""
        if not isinstance(failure, Race):
            return True
        for event in (failure.first, failure.second):
            origin = self.origins.of_index(event.site)
            if origin is Origin.BOUNDED or (
                origin is Origin.LOADED and not self.origins.accumulates(event.site)
            ):
                return False
        return True

    def _is_of_open_mask(self, failure: Failure) -> bool:
        """Whether the mask of a warp operation is data, or a constant that nobody knows."""
        match failure:
            case OutsideMask(event=event) | WarpDivergence(waiting=event):
                return self.origins.of_mask(event.site) is not Origin.LAUNCH
            case Uninitialised(event=event) if event.array is None:
                # What comes from a lane that the mask does not hold is undefined.
                return any(self.origins.of_mask(s) > Origin.LAUNCH for s in self.origins.by_site)
            case _:
                return False


def _sites(failure: Failure) -> tuple[int | None, ...]:
    """The statements that a failure is about."""
    match failure:
        case Race(first=one, second=other):
            return one.site, other.site
        case Divergence(waiting=one, other=other) | WarpDivergence(waiting=one, other=other):
            return one.site, other.site
        case HarmfulExit(exit=one):
            return (one.site,)
        case _:
            return (failure.event.site,)


def _is_meant(kernel: Kernel, failure: Failure) -> bool:
    """Whether what breaks is what the other dialects define: `a[-1]`, `a[:too_far]`."""
    match failure:
        case BadView():
            return True
        case OutOfBounds(event=event, axis=axis, length=length, view=view):
            index = event.index[0 if view else axis]
            return kernel.counts_from_behind and -length <= index < 0
        case _:
            return False


class _Part(Enum):
    """Which natural launch: as many elements as threads along each axis, one less, or one less of
    a plane that is as wide as it is high, as those are that know of no side."""

    WHOLE = auto()
    FEWER = auto()
    SQUARE = auto()


@dataclass(slots=True)
class _Natural:
    """The natural launches of a kernel whose constants are known, and what breaks with which
    data."""

    kernel: Kernel
    launches: Mapping[_Part, Launch | None]
    _broken: dict[tuple[int | None, _Part], frozenset[object]] = field(
        default_factory=dict[tuple[int | None, _Part], frozenset[object]]
    )

    _steps: int = 0

    def broken(self, data: int | None, part: _Part = _Part.WHOLE) -> frozenset[object]:
        """The places that break."""
        launch = self.launches[part]
        if launch is None:
            return frozenset()
        found = self._broken.get((data, part))
        if found is None:
            found = self._run(_filled(self.kernel, launch, data))
            self._broken[data, part] = found
        return found

    def _run(self, launch: Launch) -> frozenset[object]:
        """What breaks on a launch, whatever else did; nothing more once that took long."""
        if self._steps > _MOST_STEPS:
            return frozenset()
        outcome = run(self.kernel, launch, budget=_STEPS)
        self._steps += outcome.steps
        return frozenset(place_of(f) for f in outcome.failures if f.clean)

    def breaks_longer(self, failure: OutOfBounds) -> bool:
        """Whether the end of an array is passed as well where it is much longer."""
        array, launch = self.kernel.arrays[failure.event.array or ""], self.launches[_Part.WHOLE]
        if launch is None:
            return False
        if array.space is Space.SHARED and isinstance(array.shape[0], Dim):
            # The bytes of dynamic shared memory are the launch's.
            size = array.element.size
            most = replace(launch, shared=MOST_SHARED // size * size)
            return place_of(failure) in self._run(most)
        if array.name not in launch.arrays or not isinstance(array.shape[failure.axis], Dim):
            # The extent is the kernel's, or that of a field of records.
            return True
        arrays = dict(launch.arrays)
        # As long as the product of two sizes, which is what indices go up to.
        longest = max((n for held in launch.arrays.values() for n in held.shape), default=1)
        for part in self.kernel.parts(array):
            shape = list(arrays[part.name].shape)
            shape[failure.axis] *= 2 * longest
            if prod(shape) > _MOST_ELEMENTS:
                return False
            longer = Repeated((zero(part.element),), prod(shape))
            arrays[part.name] = Contents(tuple(shape), longer)
        return place_of(failure) in self._run(replace(launch, arrays=arrays))


def _natural(kernel: Kernel, judgement: Judgement) -> Iterator[_Natural]:
    for concrete, launches in instances(kernel, Admitted(kernel, (), judgement.flat)):
        whole = launches.natural(NATURAL)
        if whole is not None:
            fewer = launches.natural(PARTIAL)
            square = launches.natural(PARTIAL, square=True) if 1 in axes_read(kernel) else fewer
            parts = {_Part.WHOLE: whole, _Part.FEWER: fewer, _Part.SQUARE: square}
            yield _Natural(concrete, parts)


def _filled(kernel: Kernel, launch: Launch, data: int | None) -> Launch:
    """The launch with other data: zeros, or those of a variant."""
    if data is None:
        return launch
    arrays: dict[str, Contents] = {}
    for name, held in launch.arrays.items():
        array = kernel.arrays[name]
        if data == 0:
            arrays[name] = Contents(held.shape, Repeated((zero(array.element),), len(held.values)))
        else:
            arrays[name] = contents(array, held.shape, Random(0), data, max(held.shape, default=1))
    return replace(launch, arrays=arrays)


# ---------------------------------------------------------------- what the file shows


def _is_shown(kernel: Kernel, failure: Failure) -> bool:
    """Whether the launch is known as far as the failure depends on it."""
    if kernel.contract.is_inferred:
        return False
    known = _tied(kernel)
    axes = {0, *axes_read(kernel)}
    if not {(Register.GRID_DIM, axis) for axis in axes} <= known:
        return False
    if kernel.contract.block is None and not {(Register.BLOCK_DIM, a) for a in axes} <= known:
        return False
    if not isinstance(failure, OutOfBounds | Uninitialised):
        return True
    wanted: set[object] = {p.name for p in kernel.parameters if _is_number(p)}
    dimensions = [e for e in expressions(kernel.body) if isinstance(e, Dim)]
    if isinstance(failure, OutOfBounds):
        extent = kernel.arrays[failure.event.array or ""].shape[failure.axis]
        dimensions += [extent] if isinstance(extent, Dim) else []
    return wanted | {(e.array, e.axis) for e in dimensions} <= known


def _is_number(parameter: Parameter) -> bool:
    return isinstance(parameter, ScalarParameter) and parameter.type.is_integer


def _tied(kernel: Kernel) -> frozenset[object]:
    """The quantities of a launch that its file ties to numbers, or to its grid.

    `grid_dim.x == (len(x) + 255) // 256` ties the length to the grid, which covers it, and
    `len(y) == len(x)` the other length to it; `grid_dim.x == 2` says nothing of lengths.
    """
    equal: list[tuple[frozenset[object], frozenset[object]]] = []
    for requirement in kernel.contract.requires:
        condition = requirement.condition
        if isinstance(condition, Compare) and condition.op is CompareOp.EQ:
            one, other = _quantities(condition.left), _quantities(condition.right)
            equal += [(one, other), (other, one)]
    found: set[object] = set()
    for one, other in equal:
        for axis in range(3):
            extent: object = (Register.GRID_DIM, axis)
            if extent in one and len(one) == 1:
                # Of several numbers in a product or a difference each may be anything.
                several = len(other) > 1
                found |= one | {q for q in other if not (several and isinstance(q, str))}
    for _ in equal:
        for one, other in equal:
            # Whatever is computed from what is known is known.
            if len(one) == 1 and other <= found:
                found |= one
    return frozenset(found) | _between(kernel, found)


def _between(kernel: Kernel, known: set[object]) -> frozenset[object]:
    """The numbers that the launch says to lie between two that are known: those of a loop."""
    ends: dict[CompareOp, set[object]] = {CompareOp.GE: set(), CompareOp.LT: set()}
    for requirement in kernel.contract.requires:
        condition = requirement.condition
        if isinstance(condition, Compare) and condition.op in ends:
            one, other = _quantities(condition.left), _quantities(condition.right)
            if len(one) == 1 and other <= known:
                ends[condition.op] |= one
    return frozenset(ends[CompareOp.GE] & ends[CompareOp.LT])


def _quantities(expr: Expr) -> frozenset[object]:
    """The quantities of a launch in an expression; a number is made of none."""
    found: set[object] = set()
    for inner in subexpressions(expr):
        match inner:
            case Dim(array=array, axis=axis):
                found.add((array, axis))
            case Special(register=register, axis=axis):
                found.add((register, axis))
            case Param(name=name) | Symbol(name=name):
                found.add(name)
            case _:
                pass
    return frozenset(found)


# ---------------------------------------------------------------- the warning


def _reason(kernel: Kernel, violation: Violation) -> str:
    launch = violation.launch
    grid, block = (_extent(extent) for extent in (launch.grid, launch.block))
    lengths = [
        f"{name}.shape = {held.shape}"
        if len(held.shape) > 1
        else f"len({name}) = {prod(held.shape)}"
        for name, held in launch.arrays.items()
        if held.shape and kernel.arrays[name].memory == name
    ]
    scalars = [f"{name} = {value}" for name, value in launch.scalars.items()]
    values = ", ".join((lengths + scalars)[:6])
    return f"`{kernel.name}[{grid}, {block}]` would break it, with {values}"


def _extent(extent: tuple[int, int, int]) -> str:
    x, y, z = extent
    if z > 1:
        return f"({x}, {y}, {z})"
    return f"({x}, {y})" if y > 1 else str(x)
