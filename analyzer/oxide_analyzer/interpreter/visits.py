"""Which statements the threads of a launch come to, and nothing else about it.

    visited(kernel, launch, {(3, 0): 2, (3, 1): 2}, budget)

runs blocks 0 and 1, each until two of its threads have come to statement 3. Nobody looks who races
with whom, which is most of what a run costs. Other failures are counted as in any run: so many as
end that one end this one, and what is behind them is not known.

What it leaves out is left out of the end of a block, at a barrier or between threads that wait for
nobody: since threads and blocks come in any order, what was run is the beginning of a whole run.
Blocks that may wait for each other are run as they are.
"""

from __future__ import annotations

from contextlib import suppress
from dataclasses import replace
from math import prod
from typing import TYPE_CHECKING

from oxide_analyzer.interpreter import FAILURES
from oxide_analyzer.interpreter.clock import Clock, Stopped
from oxide_analyzer.interpreter.findings import Findings
from oxide_analyzer.interpreter.machine import Machine
from oxide_analyzer.interpreter.schedule import Named
from oxide_analyzer.interpreter.translate import translate
from oxide_analyzer.interpreter.wanted import Wanted

if TYPE_CHECKING:
    from collections.abc import Mapping

    from oxide_analyzer.ir.kernel import Kernel
    from oxide_analyzer.launch import Launch


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
    machine = Machine(
        kernel, program, launch, Named.IN_ORDER, clock, Findings(FAILURES),
        wanted=Wanted(wanted),
    )  # fmt: skip
    with suppress(Stopped):
        machine.run()
    return machine.visits, min(clock.now, budget)
