"""The steps of a run, counted; and what the locals of a thread held at some of them.

A run is deterministic, so an access is known by the step at which it happened. The first pass
keeps only step numbers; where something failed, a second pass over the same launch takes the
pictures of the steps that matter. That keeps a run without failures fast.

A step is an access, a divisor check, a barrier, a return, a turn of a loop, or the start of a
thread: without one of these a thread cannot go on for long.
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

from oxide_analyzer import deadline

if TYPE_CHECKING:
    from collections.abc import Iterable

# The steps after which a run that may be stopped from outside looks whether it is.
_BETWEEN_LOOKS = 200


class Stopped(Exception):
    """The run ends here."""


class Exhausted(Stopped):
    """The budget of steps is used up."""


class Clock:
    """Counts up to `budget`, taking `pictures` of the steps `wanted`; ends behind the last."""

    __slots__ = ("alarm", "budget", "now", "pictures", "wanted")

    def __init__(self, budget: int, wanted: Iterable[int] = ()) -> None:
        self.now = 0
        self.budget = budget
        self.wanted = sorted(wanted, reverse=True)
        self.pictures: dict[int, dict[str, Any]] = {}
        self.alarm = 0
        deadline.check()
        self._set_alarm()

    def tick(self) -> None:
        """One step, called by the function that plays a thread."""
        self.now += 1
        if self.now >= self.alarm:
            self.ring()

    def ring(self) -> None:
        """What happens at `alarm`; the thread's function called whoever calls this."""
        if self.now > self.budget:
            raise Exhausted
        deadline.check()
        while self.wanted and self.wanted[-1] == self.now:
            self.wanted.pop()
            # The frame of the function that plays the thread holds its locals under their names.
            frame = sys._getframe(2)  # pyright: ignore[reportPrivateUsage]
            self.pictures[self.now] = dict(frame.f_locals)
            if not self.wanted:
                raise Stopped
        self._set_alarm()

    def _set_alarm(self) -> None:
        past_budget = self.budget + 1
        self.alarm = min(self.wanted[-1], past_budget) if self.wanted else past_budget
        if deadline.is_set():
            self.alarm = min(self.alarm, self.now + _BETWEEN_LOOKS)
