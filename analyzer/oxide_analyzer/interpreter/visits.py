"""Which statements the threads of a launch come to, and nothing else about it.

    visited(kernel, launch, {(3, 0): 2, (3, 1): 2}, budget)

runs blocks 0 and 1, each until two of its threads have come to statement 3. Nobody looks who races
with whom, which is most of what a run costs, and failures are not what it is made for: they end
nothing. What it leaves out is left out of the end of a block, at a barrier or between threads that
wait for nobody: since threads and blocks come in any order, what was run is the beginning of a
whole run. Blocks that may wait for each other are run as they are.
"""

from __future__ import annotations

import sys
from contextlib import suppress
from dataclasses import replace
from math import prod
from typing import TYPE_CHECKING

from oxide_analyzer.interpreter.clock import Clock, Stopped
from oxide_analyzer.interpreter.findings import Findings
from oxide_analyzer.interpreter.machine import Machine
from oxide_analyzer.interpreter.schedule import Named
from oxide_analyzer.interpreter.translate import translate

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from oxide_analyzer.interpreter.ordering import Access, Observer, Publisher
    from oxide_analyzer.ir.kernel import Kernel
    from oxide_analyzer.ir.nodes import Atomic, Scope
    from oxide_analyzer.launch import Launch


class Wanted:
    """How many threads of a block are to come to a statement: by its site, and the block."""

    def __init__(self, counts: Mapping[tuple[int, int], int]) -> None:
        """These."""
        self._counts = counts
        self._open: list[tuple[set[int], int]] = []

    def begin(self, block: int, visits: Mapping[int, set[int]]) -> None:
        """A block begins, when the others before it have come to these statements."""
        self._open = [
            (visits[site], len(visits[site]) + count)
            for (site, of), count in self._counts.items()
            if of == block and site in visits
        ]

    def is_met(self) -> bool:
        """Whether the block has come to all that is wanted of it."""
        while self._open and len(self._open[-1][0]) >= self._open[-1][1]:
            self._open.pop()
        return not self._open


class _Unordered:
    """Sees no races."""

    def observer(self, access: Access) -> Observer | None:
        """See `Ordering`."""
        del access
        return None

    def publisher(self, access: Atomic) -> Publisher | None:
        """See `Ordering`."""
        del access
        return None

    def fence(self, thread: int, scope: Scope, step: int) -> None:
        """See `Ordering`."""

    def writers(self, access: Access, element: int, thread: int) -> Iterator[tuple[int, int]]:
        """See `Ordering`."""
        del access, element, thread
        return iter(())

    def meet(self, live: Iterable[int], returned: Iterable[int]) -> None:
        """See `Ordering`."""

    def end_block(self) -> None:
        """See `Ordering`."""


def visited(
    kernel: Kernel, launch: Launch, wanted: Mapping[tuple[int, int], int], budget: int
) -> tuple[Mapping[int, set[int]], int]:
    """The threads that come to each statement, in order, and the steps that it took."""
    program = translate(kernel)
    if not program.together:
        count = prod(launch.grid)
        blocks = sorted({block for _, block in wanted if block < count})
        launch = replace(launch, played=tuple(blocks))
    clock = Clock(budget)
    findings = Findings(sys.maxsize)
    machine = Machine(
        kernel, program, launch, Named.IN_ORDER, clock, findings,
        ordering=_Unordered(), wanted=Wanted(wanted),
    )  # fmt: skip
    with suppress(Stopped):
        machine.run()
    return machine.visits, min(clock.now, budget)
