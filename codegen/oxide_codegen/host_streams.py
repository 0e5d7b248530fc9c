"""Streams of the cpu device: work that runs in order on a thread, beside whoever enqueued it.

    first, second = oxide.stream("cpu"), oxide.stream("cpu")
    k[4, 256, first](a, b)          is enqueued, and so is the next one;
    k[4, 256, second](b, c)         it begins when the first is done, because of b

What `ordering` says is waited for by the thread of the stream, never by who enqueues, so the order
is the one of a GPU. Launches without a stream run in the calling thread, behind all that they have
to; while there are no streams they look at nothing, and run one after the other, as on the default
stream of a GPU, whatever threads they are called in.

A failure ends the work that it happened in and no other. It goes to whom the work was done for (see
`errands`); everybody's is raised by the next that waits: for the stream, for an array, or for all.

A process that ends waits for its streams, a second at most. One that is forked has none of their
threads: whatever would wait for work that was in flight raises there, and streams are made anew.
"""

from __future__ import annotations

import atexit
import os
import threading
import time
import warnings
from concurrent.futures import Future
from contextlib import contextmanager
from itertools import count
from queue import SimpleQueue
from typing import TYPE_CHECKING, Any, TypeAlias
from weakref import WeakSet

from oxide_codegen import errands
from oxide_codegen.errands import EVERYBODY
from oxide_codegen.errors import DeviceError, demand_not_freed
from oxide_codegen.ordering import Point, Uses

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Iterable, Sequence

    from oxide_codegen.errands import Errand

# What to do, behind which points, for whom, and what is done then; None ends the thread. Behind
# these the memories that it uses, which know their uses as long as they live.
_Job: TypeAlias = "tuple[Callable[[], Any], tuple[Point, ...], Errand | None, Done, object]"
_Jobs: TypeAlias = "SimpleQueue[_Job | None]"

# Memories, and whether each is also written.
Touched: TypeAlias = "Sequence[tuple[HostMemory, bool]]"

# Work in the calling thread; streams have the numbers above. Each calling thread is a lane of its
# own, below zero: two that read at once are both waited for.
CALLER = 0
# So long, in seconds, a process that ends waits for what is in flight.
_GRACE = 1.0
_numbers = count(1)
_lock = threading.RLock()
# A lock: held by who uses memory while there are no streams, and by who makes the first one.
_alone = [threading.RLock()]
# The last work of each stream, by its number, until its thread ends.
_last: dict[int, Done] = {}
_begun: list[bool] = []
# What stands for this process: a forked one has another.
_process: list[object] = [object()]


class HostMemory:
    """Memory of the host with its last uses: `size` bytes from an address on."""

    __slots__ = ("__weakref__", "beside", "end", "is_freed", "owner", "start", "uses")

    is_borrowed = False

    def __init__(self, owner: object, address: int = 0, size: int = 0) -> None:
        self.owner = owner
        self.start, self.end = address, address + size
        self.uses = Uses()
        # What shares bytes with this, so that a use of one is one of the other; seldom anything.
        self.beside: WeakSet[HostMemory] | None = None
        self.is_freed = False

    def meets(self, others: Iterable[HostMemory]) -> None:
        """Those among these that share bytes with this are used together with it from now on."""
        with _lock:
            for other in others:
                if max(self.start, other.start) < min(self.end, other.end):
                    for one, another in ((self, other), (other, self)):
                        one.beside = WeakSet() if one.beside is None else one.beside
                        one.beside.add(another)

    def free(self) -> None:
        """Let nobody use it any more; what is in flight keeps it until it is done."""
        self.is_freed = True
        self.owner = None

    def settle(self, *, writes: bool) -> None:
        """Wait for the uses that the host comes behind if it reads, or also writes, the memory."""
        demand_not_freed(self.is_freed)
        wait_for(self, writes=writes)


class Done(Future[Any]):
    """Work on a stream; who is to be told of its failure has been told when it is done."""

    def __init__(self) -> None:
        super().__init__()
        self.process = _process[0]

    def wait(self) -> None:
        """Wait until it is done, however it ended."""
        if not self.done():
            demand_here(self.process)
        self.exception()


def process() -> object:
    """What stands for this process; in one that was forked from it, something else does."""
    return _process[0]


def demand_here(process: object) -> None:
    """Raise if something is in flight in the process that this one was forked from."""
    if process is not _process[0]:
        raise DeviceError(
            "this process was forked from one with streams of the cpu, whose threads are not here: "
            'make streams here, or start it with multiprocessing.get_context("spawn")'
        )


class HostStream:
    """A queue of work, and the thread that does it; a daemon, which ends with its stream."""

    def __init__(self) -> None:
        self.number = next(_numbers)
        self._jobs: _Jobs = SimpleQueue()
        self._process = _process[0]
        # The last work that was enqueued.
        self.last: Done | None = None
        if not _begun:
            _begin()
        threading.Thread(
            target=_do,
            args=(self.number, self._jobs),
            name=f"oxide-stream-{self.number}",
            daemon=True,
        ).start()

    def __del__(self) -> None:
        # Behind all that was enqueued. No lock is taken: this may run anywhere.
        self._jobs.put(None)

    def enqueue(self, work: Callable[[], Any], touched: Touched = ()) -> Future[Any]:
        """Do `work`, which reads the memories or also writes them, behind what it has to be."""
        demand_here(self._process)
        done, errand = Done(), errands.current()
        with _lock:
            touched = _with_others(touched)
            before = _noted(touched, self.number, Point(self.number, done))
            self.last = _last[self.number] = done
            self._jobs.put((work, before, errand, done, touched))
        return done

    def wait(self) -> None:
        """Wait for all that was enqueued, however it ended."""
        last = self.last
        if last is not None:
            last.wait()

    def sync(self) -> None:
        """Wait for all that was enqueued, and raise what it ran into."""
        self.wait()
        self.raise_failure()

    def raise_failure(self) -> None:
        """Raise the first failure that is everybody's, once."""
        _raise(lambda number: number == self.number)

    def point(self) -> Point:
        """All that is enqueued until now."""
        return Point(self.number, self.last)


def _begin() -> None:
    """From now on uses are noted; none is under way of which nobody knows."""
    with _alone[0]:
        if not _begun:
            _begun[:] = [True]
            atexit.register(_drain)


def _do(number: int, jobs: _Jobs) -> None:
    """The life of a stream's thread, which knows its jobs and not the stream."""
    while True:
        job = jobs.get()
        if job is None:
            _last.pop(number, None)
            return
        work, before, errand, done, memories = job
        for point in before:
            # Whether that went well, its own waiters are told.
            point.event.exception()
        try:
            result = work()
        except BaseException as error:
            errands.note(errand, number, error)
            done.set_exception(error)
        else:
            done.set_result(result)
        # What the work held may go now, not when there is more work.
        del job, work, before, errand, done, memories


def _raise(concerns: Callable[[int], bool]) -> None:
    error = EVERYBODY.take(concerns)
    if error is not None:
        raise error


def _with_others(touched: Touched) -> Touched:
    """Memories that are used, and those that share bytes with them."""
    if all(memory.beside is None for memory, _ in touched):
        return touched
    others = ((other, writes) for memory, writes in touched for other in memory.beside or ())
    return (*touched, *others)


def _noted(touched: Touched, lane: int, point: Point) -> tuple[Point, ...]:
    """The points that a new use on a lane comes behind; it is noted as this one."""
    points = {
        id(point): point
        for memory, writes in touched
        for point in memory.uses.before(lane, writes=writes)
    }
    found = tuple(point for point in points.values() if not point.event.done())
    for before in found:
        demand_here(before.event.process)
    for memory, writes in touched:
        memory.uses.note(point, writes=writes)
    return found


def _wait_for(points: tuple[Point, ...]) -> None:
    for point in points:
        point.event.wait()


@contextmanager
def using(touched: Touched) -> Generator[None]:
    """Use memories within, in the calling thread, behind the work on streams that it has to be."""
    if not touched:
        yield
        return
    if not _begun:
        with _alone[0]:
            if not _begun:
                yield
                return
    done = Done()
    try:
        with _lock:
            point = Point(-threading.get_ident(), done)
            before = _noted(_with_others(touched), -1, point)
        _wait_for(before)
        yield
    finally:
        done.set_result(None)


def do(work: Callable[[], object], touched: Touched) -> None:
    """Do `work`, which uses memories, in the calling thread; the same as within `using`."""
    if not _begun and touched:
        with _alone[0]:
            if not _begun:
                work()
                return
    with using(touched):
        work()


def wait_for(memory: HostMemory, *, writes: bool) -> None:
    """Wait for the uses of the memory that a new one comes behind, and raise what they ran into."""
    with using(((memory, writes),)):
        raise_failures()


def raise_failures() -> None:
    """Raise the first failure of any stream that is everybody's, once."""
    _raise(lambda number: number >= CALLER)


def sync() -> None:
    """Wait for all streams, and raise what they ran into."""
    for done in tuple(_last.values()):
        done.wait()
    raise_failures()


def _drain() -> None:
    """At the end of the process: wait a little for what is in flight, say what nobody was told."""
    end = time.monotonic() + _GRACE
    try:
        for done in tuple(_last.values()):
            done.exception(max(0.0, end - time.monotonic()))
        raise_failures()
    except TimeoutError:
        # It may wait for what never comes; threads of streams do not keep a process from ending.
        return
    except Exception as error:
        warnings.warn(f"when the process ended: {error}", RuntimeWarning, stacklevel=1)


def _forget_threads() -> None:
    _last.clear()
    _process[0] = object()
    # Whoever has it is in the parent alone.
    _alone[0] = threading.RLock()
    _lock.release()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(
        before=_lock.acquire, after_in_parent=_lock.release, after_in_child=_forget_threads
    )
