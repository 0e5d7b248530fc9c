"""Failures while a kernel runs: collected once each, with what they leave to chance.

A thread is tainted from the step at which it got an invented value (0 for what does not exist)
or read an element whose value was left to chance. What a tainted thread writes, and what two
threads race for, leaves the element to chance until a sound thread writes it again.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeAlias

from oxide_analyzer.interpreter.clock import Stopped
from oxide_analyzer.interpreter.outcome import Event, place
from oxide_analyzer.record import record

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable, Mapping

    from oxide_analyzer.diagnostics import AccessKind
    from oxide_analyzer.interpreter.outcome import Failure
    from oxide_analyzer.ir.expressions import Array
    from oxide_analyzer.launch import Launch, Number
    from oxide_analyzer.source import Span


@record
class Moment:
    """An event whose locals are not known yet: those of step `step`, if there was one."""

    kind: AccessKind
    site: int | None
    span: Span
    array: str | None
    index: tuple[int, ...]
    thread: int
    step: int


Seen: TypeAlias = "Callable[[Moment], Event]"


@record
class Finding:
    """A failure in the making: `build` makes it, given how to see its moments."""

    step: int
    clean: bool
    moments: tuple[Moment, ...]
    build: Callable[[Seen, bool], Failure]


class Findings:
    """The failures of one run, one for each key, a clean one if there is one."""

    def __init__(self, limit: int) -> None:
        self.limit = limit
        self.found: dict[Hashable, Finding] = {}
        self.tainted: dict[int, int] = {}

    def taint(self, thread: int, step: int) -> None:
        """From `step` on the thread computes with values left to chance."""
        self.tainted.setdefault(thread, step)

    def is_clean(self, moment: Moment) -> bool:
        """Whether the thread was sound when it came to that moment."""
        return self.tainted.get(moment.thread, moment.step) >= moment.step

    def is_vain(self, key: Hashable, thread: int, step: int) -> bool:
        """Whether what a thread runs into at a step is no better than what is known of `key`.

        Most failures are met thousands of times: who asks first need not say what happened.
        """
        found = self.found.get(key)
        return found is not None and (found.clean or self.tainted.get(thread, step) < step)

    def add(
        self,
        key: Hashable,
        moments: tuple[Moment, ...],
        step: int,
        build: Callable[[Seen, bool], Failure],
    ) -> None:
        """Record a failure; it happens at `step`."""
        clean = all(self.is_clean(moment) for moment in moments)
        if key in self.found and (self.found[key].clean or not clean):
            return
        self.found[key] = Finding(step, clean, moments, build)
        if len(self.found) >= self.limit:
            raise Stopped

    def failures(
        self,
        launch: Launch,
        picture: Callable[[int], Mapping[str, Number]],
        arrays: Mapping[str, Array],
    ) -> tuple[Failure, ...]:
        """All failures, the clean ones first, each kind in the order in which they happened."""

        def see(moment: Moment) -> Event:
            block, thread = place(launch, moment.thread)
            values = picture(moment.step)
            touched = None if moment.array is None else arrays[moment.array]
            return Event(
                moment.kind,
                moment.site,
                moment.span,
                block,
                thread,
                moment.array,
                moment.index,
                values,
                None if touched is None else touched.spelling,
            )

        ordered = sorted(self.found.values(), key=lambda finding: (not finding.clean, finding.step))
        return tuple(finding.build(see, finding.clean) for finding in ordered)

    def steps(self) -> set[int]:
        """The steps whose locals the failures want to know."""
        return {moment.step for finding in self.found.values() for moment in finding.moments}
