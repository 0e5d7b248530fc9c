"""One launch of one kernel, and what came of it."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from typing import TYPE_CHECKING

from oxide_analyzer.interpreter.clock import Clock, Exhausted, Stopped
from oxide_analyzer.interpreter.findings import Findings
from oxide_analyzer.interpreter.machine import Machine
from oxide_analyzer.interpreter.outcome import Outcome
from oxide_analyzer.interpreter.schedule import is_stepwise
from oxide_analyzer.interpreter.translate import translate
from oxide_analyzer.interpreter.warps import UNDEFINED

if TYPE_CHECKING:
    from collections.abc import Iterator

    from oxide_analyzer.interpreter.program import Program
    from oxide_analyzer.interpreter.schedule import Schedule
    from oxide_analyzer.interpreter.stops import Debugger
    from oxide_analyzer.ir.kernel import Kernel
    from oxide_analyzer.launch import Launch, Number


def execute(
    kernel: Kernel,
    launch: Launch,
    schedule: Schedule,
    budget: int,
    failures_limit: int,
    debugger: Debugger | None,
) -> Outcome:
    """Run every thread of the launch, see `interpreter.run`."""
    stepwise = is_stepwise(schedule)
    program = translate(kernel, stepwise=stepwise, stops=debugger is not None)
    findings = Findings(failures_limit)
    clock = Clock(budget)
    machine = Machine(kernel, program, launch, schedule, clock, findings, debugger)
    exhausted = limited = False
    try:
        machine.run()
    except Exhausted:
        exhausted = True
    except Stopped:
        limited = True
    album = _Album(kernel, program, launch, schedule, clock.now, findings)
    return Outcome(
        launch,
        findings.failures(launch, album.picture, kernel.arrays),
        machine.arrays(),
        {site: frozenset(threads) for site, threads in machine.visits.items()},
        min(clock.now, budget),
        exhausted,
        limited,
        tuple(machine.lines),
    )


class _Album:
    """The named locals at the steps of all failures, from running the same launch again.

    That is done when somebody looks: most failures are only counted.
    """

    def __init__(
        self,
        kernel: Kernel,
        program: Program,
        launch: Launch,
        schedule: Schedule,
        steps: int,
        findings: Findings,
    ) -> None:
        self._again = kernel, program, launch, schedule
        self._steps = steps
        self._wanted = findings.steps()
        # No more can fail than did: the machine is not to stop for that.
        self._limit = len(findings.found) + 1
        self._taken: Mapping[int, Mapping[str, Number]] | None = None

    def picture(self, step: int) -> Mapping[str, Number]:
        """The locals at a step, to be looked at later."""
        return _Picture(self, step)

    def at(self, step: int) -> Mapping[str, Number]:
        """The locals at a step."""
        if self._taken is None:
            self._taken = self._take()
        return self._taken.get(step, {})

    def _take(self) -> Mapping[int, Mapping[str, Number]]:
        kernel, program, launch, schedule = self._again
        clock = Clock(self._steps, self._wanted)
        again = Machine(kernel, program, launch, schedule, clock, Findings(self._limit))
        with suppress(Stopped):
            again.run()
        # Of locals with one name the first of the kernel is shown: a helper's come later.
        names = list(program.names.items())[::-1]
        return {
            step: {
                shown: frame[name]
                for name, shown in names
                if frame.get(name) is not None and frame[name] is not UNDEFINED
            }
            for step, frame in clock.pictures.items()
        }


class _Picture(Mapping[str, "Number"]):
    """What one thread's locals held at one step."""

    __slots__ = ("_album", "_step")

    def __init__(self, album: _Album, step: int) -> None:
        self._album = album
        self._step = step

    def __getitem__(self, name: str) -> Number:
        return self._album.at(self._step)[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._album.at(self._step))

    def __len__(self) -> int:
        return len(self._album.at(self._step))
