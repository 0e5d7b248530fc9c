"""Launches written into kernels as comments, and what a replay of them comes to.

    # launch: grid=2, block=(8, 4), a=(20, 30), target=[2, 1, 2], k=2.0

The arguments of a call: `grid` and `block` as in a launch, arrays by shape or (in one dimension)
by their elements, scalars and captured constants by value; `shared` is how many bytes of dynamic
shared memory there are. An array given by its shape holds small numbers in a fixed pattern with
repetitions.
"""

from __future__ import annotations

import ast
from dataclasses import dataclass
from math import prod
from typing import TYPE_CHECKING, TypeAlias

from oxide_analyzer.diagnostics import AccessKind
from oxide_analyzer.interpreter import (
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
from oxide_analyzer.ir.kernel import ScalarParameter
from oxide_analyzer.ir.nodes import AsyncCopy, Atomic, Space, Store
from oxide_analyzer.ir.walk import statements
from oxide_analyzer.launch import Contents, Launch

if TYPE_CHECKING:
    from collections.abc import Mapping

    from oxide_analyzer.interpreter import Event, Failure
    from oxide_analyzer.ir.kernel import Kernel
    from oxide_analyzer.language.types import Scalar
    from oxide_analyzer.launch import Extent, Number

Argument: TypeAlias = "int | float | bool | tuple[int, ...] | list[int | float]"


@dataclass(frozen=True)
class WrittenLaunch:
    """One `# launch:` line."""

    line: int
    arguments: Mapping[str, Argument]

    def symbols(self, kernel: Kernel) -> dict[str, Number]:
        """The values of what the kernel captures: the source's, else the launch's."""
        return {
            constant.symbol: _number(self.arguments[constant.attributes[-1]])
            if constant.value is None
            else constant.value
            for constant in kernel.constants
        }

    def of(self, kernel: Kernel) -> Launch:
        """The launch of `kernel` that the line describes."""
        scalars = {
            parameter.name: _number(self.arguments[parameter.name])
            for parameter in kernel.parameters
            if isinstance(parameter, ScalarParameter)
        }
        arrays = {
            array.name: _contents(self.arguments[array.name], array.element)
            for array in kernel.array_parameters()
        }
        shared = self.arguments.get("shared", 0)
        assert isinstance(shared, int)
        grid, block = _extent(self.arguments["grid"]), _extent(self.arguments["block"])
        return Launch(grid, block, scalars, arrays, shared)


def launches(text: str) -> list[WrittenLaunch]:
    """The launches of a file, in order."""
    found: list[WrittenLaunch] = []
    for number, line in enumerate(text.splitlines(), 1):
        if line.startswith("# launch:"):
            call = ast.parse(f"launch({line.removeprefix('# launch:')})", mode="eval").body
            assert isinstance(call, ast.Call)
            found.append(
                WrittenLaunch(
                    number, {k.arg: ast.literal_eval(k.value) for k in call.keywords if k.arg}
                )
            )
    return found


def places(kernel: Kernel, failure: Failure) -> list[tuple[int, tuple[str, ...]]]:
    """The lines on which a failure is reported, and the codes under which it may be."""
    match failure:
        case OutOfBounds() | BadView():
            return [(failure.event.span.line, ("OX301",))]
        case Misaligned():
            return [(failure.event.span.line, ("OX306",))]
        case FailedAssertion():
            return [(failure.event.span.line, ("OX308",))]
        case OutsideMask():
            return [(failure.event.span.line, ("OX203",))]
        case WarpDivergence():
            # A barrier that keeps lanes from an operation may be what is wrong.
            waiting = [e for e in (failure.waiting, failure.other) if e.kind is AccessKind.WAIT]
            lines = sorted({e.span.line for e in waiting})
            return [(line, ("OX203", "OX201")) for line in lines]
        case ZeroDivisor():
            return [(failure.event.span.line, ("OX307",))]
        case Uninitialised():
            return [(failure.event.span.line, ("OX303",))]
        case Divergence():
            # Where threads wait at two barriers, neither is met.
            waiting = [e for e in (failure.waiting, failure.other) if e.kind is AccessKind.WAIT]
            return [(line, ("OX201",)) for line in sorted({e.span.line for e in waiting})]
        case HarmfulExit():
            return [(failure.exit.span.line, ("OX202",))]
        case Race():
            early = _early(kernel, failure.first, failure.second)
            if early is not None:
                return [(early.span.line, ("OX207",))]
            reported = _reported(failure.first, failure.second)
            return [(reported.span.line, _race_codes(kernel, failure))]


def _reported(first: Event, second: Event) -> Event:
    """The plain one of atomic and plain, else the write, of two the later in the source."""
    plain = [event for event in (first, second) if event.kind is not AccessKind.ATOMIC]
    writes = [event for event in plain if event.kind is AccessKind.WRITE]
    return max(
        writes or plain or (first, second), key=lambda event: (event.span.line, event.span.column)
    )


def _early(kernel: Kernel, first: Event, second: Event) -> Event | None:
    """The one that comes while a copy, the other, may be under way."""
    copied = {
        store.site
        for stmt in statements(kernel.body)
        if isinstance(stmt, AsyncCopy)
        for store in statements(stmt.body)
        if isinstance(store, Store)
    }
    if (first.block, first.thread) == (second.block, second.thread):
        return second
    others = [event for event in (first, second) if event.site not in copied]
    return others[0] if len(others) == 1 else None


def _race_codes(kernel: Kernel, race: Race) -> tuple[str, ...]:
    kinds = {race.first.kind, race.second.kind}
    assert race.first.array is not None
    if kinds == {AccessKind.ATOMIC}:
        return ("OX107",)
    if AccessKind.ATOMIC in kinds:
        return ("OX106",)
    # What some atomic hands over, and was to order the two, says so.
    published = ("OX206",) if any(isinstance(s, Atomic) for s in statements(kernel.body)) else ()
    if kernel.arrays[race.first.array].space is Space.SHARED:
        return ("OX104", *published)
    if race.first.block != race.second.block:
        # Two threads of one block may meet there as well, by other accesses of the statements.
        return ("OX105", "OX102", "OX103", "OX109", *published)
    return ("OX102", "OX109") if kinds == {AccessKind.WRITE} else ("OX103", "OX102", *published)


def _number(value: Argument) -> Number:
    assert isinstance(value, int | float), value
    return value


def _extent(value: Argument) -> Extent:
    extents = value if isinstance(value, tuple) else (value,)
    x, y, z = (*extents, 1, 1)[:3]
    assert isinstance(x, int) and isinstance(y, int) and isinstance(z, int)
    return x, y, z


def _contents(value: Argument, element: Scalar) -> Contents:
    if isinstance(value, list):
        return Contents((len(value),), tuple(value))
    shape = value if isinstance(value, tuple) else (value,)
    assert all(isinstance(extent, int) for extent in shape)
    extents = tuple(int(extent) for extent in shape)
    pattern = [(7 * i) % 13 for i in range(prod(extents))]
    if element.is_float:
        return Contents(extents, tuple(value / 4 for value in pattern))
    if element.is_integer:
        return Contents(extents, tuple(pattern))
    return Contents(extents, tuple(value % 2 == 0 for value in pattern))
