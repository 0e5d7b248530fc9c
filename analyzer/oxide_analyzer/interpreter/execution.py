"""One launch of one kernel, and what came of it."""

from __future__ import annotations

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
    from collections.abc import Mapping

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
    pictures: Mapping[int, Mapping[str, Number]] = {}
    if findings.found:
        pictures = _pictures(kernel, program, launch, schedule, clock.now, findings)
    return Outcome(
        launch,
        findings.failures(launch, pictures),
        machine.arrays(),
        {site: frozenset(threads) for site, threads in machine.visits.items()},
        min(clock.now, budget),
        exhausted,
        limited,
        tuple(machine.lines),
    )


def _pictures(
    kernel: Kernel,
    program: Program,
    launch: Launch,
    schedule: Schedule,
    steps: int,
    findings: Findings,
) -> Mapping[int, Mapping[str, Number]]:
    """The named locals at the steps of all failures, from running the same launch again."""
    clock = Clock(steps, findings.steps())
    again = Machine(kernel, program, launch, schedule, clock, Findings(len(findings.found) + 1))
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
