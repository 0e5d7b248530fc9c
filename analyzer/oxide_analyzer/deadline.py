"""Stopping early: because time is up, or because nobody waits for the answer any more.

Verdicts are decided by steps, so that they are the same everywhere; only who asks for it is
answered early, and what is open then is `stopped`, which is no verdict and is never remembered.

    with within(2.0):                     --timeout of the command line, for each kernel
        judge(kernel)                     raises Stopped("stopped after 2 s") where work is done

    with within(None, pause):             a server: `pause` raises if the file has changed

It is cooperative: whatever may take long calls `check` every few milliseconds. z3 is told how
long it may take (`remaining`), since nothing is called while it works.
"""

from __future__ import annotations

from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from time import perf_counter
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Generator

_BETWEEN_LOOKS = 0.005
_STOPPED = "stopped after"


class Stopped(Exception):
    """Time is up; the text says after how long."""


@dataclass(slots=True)
class _Deadline:
    seconds: float | None
    pause: Callable[[], None] | None
    end: float
    next_look: float

    def look(self, now: float) -> None:
        self.next_look = min(now + _BETWEEN_LOOKS, max(self.end, now))
        if self.pause is not None:
            self.pause()
        if self.seconds is not None and now >= self.end:
            raise Stopped(f"{_STOPPED} {self.seconds:g} s")


_current: ContextVar[_Deadline | None] = ContextVar("deadline", default=None)


@contextmanager
def within(seconds: float | None, pause: Callable[[], None] | None = None) -> Generator[None]:
    """Let what is done inside take `seconds`, and `pause` be called now and then.

    A deadline inside another one does not outlive it.
    """
    outer = _current.get()
    if seconds is None and pause is None:
        yield
        return
    now = perf_counter()
    end = now + seconds if seconds is not None else float("inf")
    if outer is not None and outer.seconds is not None and outer.end < end:
        seconds, end = outer.seconds, outer.end
    if pause is None and outer is not None:
        pause = outer.pause
    before = _current.set(_Deadline(seconds, pause, end, now))
    try:
        yield
    finally:
        _current.reset(before)


def check() -> None:
    """Raise `Stopped` if time is up, or what `pause` raises. Cheap enough for inner loops."""
    deadline = _current.get()
    if deadline is not None:
        now = perf_counter()
        if now >= deadline.next_look:
            deadline.look(now)


def is_stop(reason: str | None) -> bool:
    """Whether the reason of something unproved is that time was up."""
    return reason is not None and reason.startswith(_STOPPED)


def is_set() -> bool:
    """Whether anything may stop what is being done."""
    return _current.get() is not None


def is_over() -> bool:
    """Whether the next `check` raises `Stopped`, sooner or later."""
    return remaining() == 0.0


def remaining() -> float | None:
    """The seconds that are left, None without a deadline."""
    deadline = _current.get()
    if deadline is None or deadline.seconds is None:
        return None
    return max(0.0, deadline.end - perf_counter())
