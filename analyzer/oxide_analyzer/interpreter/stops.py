"""Where a run can be stopped, and what can be seen there: for debuggers.

A text of the kernel that is made for them calls `look` in front of every statement, and `halt`
where the source says `breakpoint()`:

    breakpoint()                   halt(me, 3)
    tile[t] = a[i]                 look(me, 4)
                                   v3 = load_5(me, i0)
                                   store_6(me, i0, v3)
                                   gone(me)

Stopping changes nothing: no step is counted, no thread waits, no access is ordered.
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any, Protocol

from oxide_analyzer.interpreter.outcome import place
from oxide_analyzer.interpreter.program import array_number
from oxide_analyzer.interpreter.warps import UNDEFINED
from oxide_analyzer.ir.nodes import Space
from oxide_analyzer.record import record

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from oxide_analyzer.interpreter.memory import Memory
    from oxide_analyzer.interpreter.program import Place, Program
    from oxide_analyzer.ir.kernel import Kernel
    from oxide_analyzer.launch import Extent, Launch, Number


@record
class Seen:
    """An array as a thread sees it: elements in C order, None for what nothing has written."""

    space: Space
    shape: tuple[int, ...]
    values: tuple[Number | None, ...]


@record
class Stop:
    """A thread in front of a statement.

    `number` counts the threads of the launch. `values` holds its variables that are assigned, by
    the names of the source, and the scalars of the launch.
    """

    place: Place
    number: int
    block: Extent
    thread: Extent
    launch: Launch
    values: Mapping[str, Number]
    arrays: Mapping[str, Seen]


class Debugger(Protocol):
    """Who stops threads."""

    def wants(self, thread: int, place: Place, *, halts: bool) -> bool:
        """Whether to stop in front of a statement; `halts`: it is a `breakpoint()`."""
        ...

    def stop(self, stop: Stop) -> None:
        """A thread has stopped; it goes on when this returns."""
        ...

    def gone(self, thread: int) -> None:
        """A thread is done."""
        ...


def stopping(
    kernel: Kernel,
    program: Program,
    launch: Launch,
    memories: Mapping[str, Memory],
    debugger: Debugger | None,
) -> Mapping[str, Callable[..., None]]:
    """What the text calls; without a debugger, nothing happens."""
    if debugger is None:
        return {"look": _go_on, "halt": _go_on, "gone": _go_on}
    places = program.places

    def see(thread: int, frame: Mapping[str, Any]) -> Mapping[str, Seen]:
        found: dict[str, Seen] = {}
        for array in kernel.arrays.values():
            memory = memories[array.name]
            values: list[Number | None]
            if array.space is Space.LOCAL:
                values = list(frame.get(f"a{array_number(kernel, array.name)}", ()))
            else:
                # Where blocks run at once each has its part.
                first = frame.get(f"s{array_number(kernel, array.name)}", 0)
                values = [memory.values[first + k] for k in range(memory.count)]
            found[array.name] = Seen(array.space, memory.shape, tuple(values))
        return found

    def stop(thread: int, where: Place, frame: Mapping[str, Any]) -> None:
        values: dict[str, Number] = dict(launch.scalars)
        # Of variables with one name the first of the kernel is shown: a helper's come later.
        for name, shown in list(program.names.items())[::-1]:
            value = frame.get(name)
            if value is not None and value is not UNDEFINED:
                values[shown] = value
        block, index = place(launch, thread)
        debugger.stop(Stop(where, thread, block, index, launch, values, see(thread, frame)))

    def look(thread: int, number: int) -> None:
        if debugger.wants(thread, places[number], halts=False):
            stop(thread, places[number], sys._getframe(1).f_locals)  # pyright: ignore[reportPrivateUsage]

    def halt(thread: int, number: int) -> None:
        if debugger.wants(thread, places[number], halts=True):
            stop(thread, places[number], sys._getframe(1).f_locals)  # pyright: ignore[reportPrivateUsage]

    return {"look": look, "halt": halt, "gone": debugger.gone}


def _go_on(thread: int, number: int = 0) -> None:
    """Nobody wants to stop."""
