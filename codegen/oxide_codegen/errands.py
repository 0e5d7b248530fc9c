"""For whom work is enqueued, and so who is told what it ran into.

Work is done for an operation under way, or, by default, for everybody. What an operation's work
runs into is kept for its waiter, and nobody else is told; what work for everybody ran into is
raised by the next who waits for the device.

    mine = Errand()
    with Under(mine):
        k[4, 256, stream](index, out)       a failure is mine
    k[4, 256, stream](index, out)           a failure is for the next `stream.sync()`
    ...                                     all of it is done
    error = mine.failure()                  the first; it names the others
    mine.leave()

Who leaves without having been told hands on: what was found, and what will be, is for everybody. An
errand that several share (`.share()`) is told to each of them, and handed on if all leave untold.

An errand also knows of its work what a graph needs that repeats it: which arrays are written, and
which facts about elements have to hold before.
"""

from __future__ import annotations

import threading
from contextvars import ContextVar
from queue import Empty, SimpleQueue
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from oxide_codegen.arrays import ArrayView
    from oxide_codegen.buffers import DeviceBuffer


class Ticket(Protocol):
    """A place where a launch on a GPU leaves what it ran into."""

    @property
    def name(self) -> str:
        """The kernel's."""
        ...

    @property
    def lane(self) -> int:
        """Its device, as a number below zero."""
        ...

    @property
    def is_clear(self) -> bool:
        """Whether nothing has been left there."""
        ...

    def failure(self) -> BaseException | None:
        """What has been left there, once."""
        ...

    def hand_over(self, note: Callable[[int, BaseException], None]) -> None:
        """Let `note` have it: at no moment is it neither here nor there."""
        ...

    def give_up(self) -> None:
        """From now on everybody is told."""
        ...

    def close(self) -> None:
        """The launch is done, and nobody looks here any more."""
        ...


class Errand:
    """Work for one operation, or for several that share it."""

    is_captured = False

    def __init__(self) -> None:
        self._lock = threading.RLock()
        self._users = 1
        # So many of the failures have been told.
        self._told = 0
        # With the lane that each happened on.
        self._failures: list[tuple[int, BaseException]] = []
        self.tickets: list[Ticket] = []

    def join(self) -> None:
        """One more waits for this work."""
        with self._lock:
            self._users += 1

    def note(self, lane: int, error: BaseException) -> None:
        """Work on a lane ran into this."""
        with self._lock:
            self._keep(lane, error)

    def _keep(self, lane: int, error: BaseException) -> None:
        if self._users:
            self._failures.append((lane, error))
        else:
            EVERYBODY.note(lane, error)

    def expect(self, ticket: Ticket) -> None:
        """A launch leaves there what it runs into."""
        with self._lock:
            self.tickets.append(ticket)

    def kernels(self) -> tuple[str, ...]:
        """The names of kernels that were launched on a GPU."""
        with self._lock:
            return tuple(dict.fromkeys(ticket.name for ticket in self.tickets))

    def failure(self) -> BaseException | None:
        """What the work that is done ran into: the first, with a note for each other one."""
        with self._lock:
            for ticket in self.tickets:
                error = ticket.failure()
                if error is not None:
                    self._failures.append((ticket.lane, error))
            if not self._failures:
                return None
            first, *others = (error for _, error in self._failures)
            known = getattr(first, "__notes__", ())
            for other in others:
                note = as_well(other)
                if note not in known:
                    first.add_note(note)
            self._told = len(self._failures)
            return first

    def ends_well(self) -> bool:
        """Whether all is over: the work is done and ran into nothing, and one alone waited for it.

        If not, nothing has happened.
        """
        with self._lock:
            if self._users != 1 or self._failures:
                return False
            tickets = self.tickets
            for ticket in tickets:
                if not ticket.is_clear:
                    return False
            self._users, self.tickets = 0, []
        for ticket in tickets:
            ticket.close()
        return True

    def leave(self) -> None:
        """Somebody has been told, or waits no more."""
        with self._lock:
            self._users -= 1
            if self._users:
                return
            handed_on = self._failures[self._told :]
            del self._failures[self._told :]
            for ticket in self.tickets:
                ticket.give_up()
        for lane, error in handed_on:
            EVERYBODY.note(lane, error)

    def close(self) -> None:
        """All of the work is done: what it has left, and nobody has asked for, is for everybody."""
        with self._lock:
            tickets, self.tickets = self.tickets, []
            for ticket in tickets:
                ticket.hand_over(self._keep)
        for ticket in tickets:
            ticket.close()


class Captured(Errand):
    """Work that is written down, to be repeated."""

    is_captured = True

    def __init__(self) -> None:
        super().__init__()
        self.demands: list[Demand] = []
        self.ranges: list[tuple[int, int]] = []
        self.buffers: dict[int, DeviceBuffer[object]] = {}

    def changes(self, views: Iterable[ArrayView], buffers: Iterable[DeviceBuffer[object]]) -> None:
        """The work writes these."""
        self.ranges += ((view.address, view.address + view.size) for view in views)
        self.buffers |= {id(buffer): buffer for buffer in buffers}

    def is_changed(self, view: ArrayView) -> bool:
        """Whether the work writes into an array."""
        start, end = view.address, view.address + view.size
        return any(start < other_end and other < end for other, other_end in self.ranges)


class Demand:
    """What has to hold of arrays before work is repeated; `check` raises where it does not."""

    __slots__ = ("check", "kernel", "views")

    def __init__(
        self, kernel: str, views: tuple[tuple[str, ArrayView], ...], check: Callable[[], None]
    ) -> None:
        self.kernel = kernel
        self.views = views
        self.check = check


class Everybody:
    """What nobody was told of yet."""

    def __init__(self) -> None:
        self._lock = threading.RLock()
        self._failures: list[tuple[int, BaseException]] = []

    def note(self, lane: int, error: BaseException) -> None:
        """Work on a lane ran into this."""
        with self._lock:
            self._failures.append((lane, error))

    def take(self, concerns: Callable[[int], bool]) -> BaseException | None:
        """The first failure on one of these lanes: who asks tells it now."""
        if not self._failures:
            return None
        with self._lock:
            for place, (lane, error) in enumerate(self._failures):
                if concerns(lane):
                    del self._failures[place]
                    return error
        return None

    def claim(self, error: BaseException) -> bool:
        """Whether nobody was told of this one yet; who asks tells it now."""
        with self._lock:
            for place, (_, known) in enumerate(self._failures):
                if known is error:
                    del self._failures[place]
                    return True
        return False


EVERYBODY = Everybody()
# What is left to do by those who may not do it where they are, in a finalizer.
left: SimpleQueue[Callable[[], None]] = SimpleQueue()
_current: ContextVar[Errand | None] = ContextVar("oxide_errand", default=None)


def current() -> Errand | None:
    """Whose work is enqueued here and now; None: everybody's."""
    return _current.get()


def captured() -> Captured | None:
    """The same where it is written down."""
    errand = _current.get()
    return errand if isinstance(errand, Captured) else None


class Under:
    """What is enqueued within, in this thread, is work of this errand."""

    __slots__ = ("_errand", "_token")

    def __init__(self, errand: Errand) -> None:
        self._errand = errand

    def __enter__(self) -> None:
        self._token = _current.set(self._errand)

    def __exit__(self, *_: object) -> None:
        _current.reset(self._token)


def as_well(error: BaseException) -> str:
    """What the first error says of another one."""
    return f"as well: {type(error).__name__}: {error}"


def reap() -> None:
    """Do what finalizers have left."""
    while not left.empty():
        try:
            leave = left.get_nowait()
        except Empty:
            return
        leave()


def note(errand: Errand | None, lane: int, error: BaseException) -> None:
    """Work of an errand, or of everybody, ran into this."""
    (EVERYBODY if errand is None else errand).note(lane, error)
