"""Launches in the reference interpreter: slow, and whatever goes wrong is an exception.

    with oxide.device("interpreter"):
        k[2, 64](a, out)

    KernelRaceError: k: `tile[1]` is read and written, and nothing orders it
      k.py:14, block (0, 0, 0), thread (1, 0, 0), write
      k.py:15, block (0, 0, 0), thread (0, 0, 0), read

At a `breakpoint()` a thread stops, with a prompt: see `debugging`.

Nothing is proved before: what the compiler would refuse runs here, up to its first failure. The
launch itself is checked as on any device, and the arrays of the host hold what the kernel wrote
until then.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from oxide_analyzer import interpreter
from oxide_analyzer.checked import Fact
from oxide_analyzer.diagnostics import AccessKind
from oxide_analyzer.ir.nodes import Ownership, Space
from oxide_analyzer.launch import Contents, Launch
from oxide_analyzer.record import record
from oxide_codegen.claims import on_host
from oxide_codegen.debugging import debugger
from oxide_codegen.elements import leaf
from oxide_codegen.errors import (
    DeviceError,
    KernelAlignmentError,
    KernelAssertion,
    KernelConvergenceError,
    KernelIndexError,
    KernelRaceError,
    KernelUninitialisedError,
    KernelViewError,
    KernelZeroDivisionError,
    OxideError,
    Step,
    Where,
)
from oxide_codegen.printing import write

if TYPE_CHECKING:
    from collections.abc import Callable

    from oxide_analyzer.interpreter import Event, Failure, Race
    from oxide_analyzer.ir.kernel import Kernel
    from oxide_analyzer.launch import Extent
    from oxide_codegen.arguments import Arguments

# Some minutes of a thread after the other; Ctrl-C ends it earlier.
_STEPS = 500_000_000


@record
class Declared:
    """The terms of a launch of which nothing is proved: what the contract says."""

    kernel: Kernel
    facts: tuple[Fact, ...]
    compact: bool


def declared(kernel: Kernel) -> Declared:
    """What every launch of a kernel has to fulfil, proved or not."""
    facts = tuple(Fact(r.condition, r.text, True, r.span) for r in kernel.contract.requires)
    return Declared(kernel, facts, False)


def run_of(
    kernel: Kernel, arguments: Arguments, grid: Extent, block: Extent, shared: int
) -> Callable[[], None]:
    """What runs a launch of a kernel, of whose arguments all is checked."""
    arrays: dict[str, Any] = {
        array.name: leaf(on_host(arguments.views[array.memory]), array.part.leaf.path)
        if array.part is not None
        else on_host(arguments.views[array.name])
        for array in kernel.array_parameters()
    }

    def run() -> None:
        contents = {
            name: Contents(tuple(array.shape), tuple(array.ravel().tolist()))
            for name, array in arrays.items()
        }
        launch = Launch(grid, block, arguments.scalars, contents, shared)
        outcome = interpreter.run(
            kernel, launch, budget=_STEPS, failures_limit=1, debugger=debugger(kernel)
        )
        for name, found in outcome.arrays.items():
            if kernel.arrays[name].ownership is not Ownership.READ_ONLY:
                arrays[name].flat[:] = found.values
        write(outcome.lines)
        if outcome.failures:
            raise failure(kernel, outcome.failures[0])
        if outcome.exhausted:
            raise DeviceError(
                f"the launch takes more than {_STEPS} steps, too many for the interpreter: try "
                "fewer blocks",
                kernel=kernel.name,
            )

    return run


def failure(kernel: Kernel, found: Failure) -> OxideError:
    """The exception for what a run came to."""
    name = kernel.name
    match found:
        case interpreter.Race():
            return _race(kernel, found)
        case interpreter.OutOfBounds(event=event, axis=axis, length=length, view=view):
            return KernelIndexError(
                name,
                _where(event),
                array=str(event.array),
                axis=axis,
                rank=kernel.arrays[str(event.array)].rank,
                index=event.index[0 if view else axis],
                length=length,
                view=view,
            )
        case interpreter.BadView(event=event, axis=axis, start=start, stop=stop, length=length):
            return KernelViewError(
                name,
                _where(event),
                array=str(event.array),
                axis=axis,
                rank=kernel.arrays[str(event.array)].rank,
                start=start,
                stop=stop,
                length=length,
            )
        case interpreter.Misaligned(event=event, width=width):
            return KernelAlignmentError(
                name, _where(event), array=str(event.array), offset=event.index[0], width=width
            )
        case interpreter.FailedAssertion(event=event, message=message):
            message = message or "an assert of the kernel does not hold"
            return KernelAssertion(name, message, _where(event))
        case interpreter.ZeroDivisor(event=event):
            return KernelZeroDivisionError(name, "division by zero", _where(event))
        case interpreter.Uninitialised(event=event):
            what = "a variable" if event.array is None else f"`{event.element}`"
            return KernelUninitialisedError(
                name, f"{what} is read, and nothing has written it", _where(event)
            )
        case interpreter.Divergence(waiting=waiting, other=other):
            return KernelConvergenceError(
                name, "not all threads come to a barrier", _step(waiting), _step(other), "OX201"
            )
        case interpreter.WarpDivergence(waiting=waiting, other=other):
            message = "not all lanes of the mask come to a warp operation"
            return KernelConvergenceError(name, message, _step(waiting), _step(other), "OX203")
        case interpreter.OutsideMask(event=event, mask=mask, lane=lane):
            message = f"lane {lane} comes to a warp operation whose mask {mask:#x} leaves it out"
            return KernelConvergenceError(name, message, _step(event), None, "OX203")
        case interpreter.HarmfulExit(exit=left, access=access, other=other):
            if other is None:
                message = (
                    f"`{access.element}` is read, and the thread that would have written it "
                    "returned before a barrier"
                )
            else:
                message = (
                    f"`{access.element}` is touched by a thread that returned before the "
                    "barrier that was to order it"
                )
            return KernelConvergenceError(name, message, _step(access), _step(left), "OX202")


def _race(kernel: Kernel, race: Race) -> KernelRaceError:
    first, second = race.first, race.second
    kinds = {first.kind, second.kind}
    shared = kernel.arrays[str(second.array)].space is Space.SHARED
    if AccessKind.ATOMIC in kinds:
        rule, what = "OX106", "is touched by an atomic and by an ordinary access"
        if len(kinds) == 1:
            rule, what = "OX107", "is touched by atomics of too narrow a scope"
    else:
        both = kinds == {AccessKind.WRITE}
        what = "is written twice" if both else "is read and written"
        rule = "OX102" if both else "OX103"
        if shared:
            rule = "OX104"
        elif first.block != second.block:
            rule = "OX105"
    message = f"`{second.element}` {what}, and nothing orders it"
    index = second.index
    return KernelRaceError(
        kernel.name, message, _step(first), _step(second), rule, str(second.array), index
    )


def _where(event: Event) -> Where:
    return Where(event.span.path, event.span.line, event.block, event.thread)


def _step(event: Event) -> Step:
    return Step(_where(event), event.kind.value)
