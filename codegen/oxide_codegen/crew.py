"""Threads of the host that run the blocks of a launch, while another one waits and sees Ctrl-C.

A signal reaches Python when native code returns to it. So a launch that may take long runs on
threads of a crew, and the one that launched it waits:

    launching thread:  hand out stretches of blocks ─► wait ─► Ctrl-C: stop, raise KeyboardInterrupt
    crew:              take a stretch, run it, take the next, until there is none, or stopped

Who is within a stretch then goes on to its end, or to where its code looks whether it is stopped;
nobody waits for that. Such a launch keeps its arrays until it has ended, and its threads leave the
crew. They are daemons, so they do not keep a process from ending either.
"""

from __future__ import annotations

import os
import threading
from concurrent.futures import FIRST_EXCEPTION, Future, wait
from enum import Enum
from functools import cache
from itertools import count
from queue import SimpleQueue
from time import perf_counter
from typing import TYPE_CHECKING, TypeAlias

from oxide_codegen.single import single

if TYPE_CHECKING:
    from collections.abc import Callable

Stretch: TypeAlias = "Callable[[int, int], None]"

# Other threads pay beyond so many seconds; beyond so many, this one waits for them.
_WORTH_SHARING, _WORTH_WATCHING = 200e-6, 50e-3
# Each thread takes so many stretches of blocks, so that uneven blocks even out.
_STRETCHES = 8
# Where a lock is not left for a signal (Windows), it is seen after so many seconds.
_TICK = 0.05
# So long a launch that is stopped has to end before its threads are given up.
_GRACE = 0.05


class Way(Enum):
    """Who runs the blocks of a launch."""

    ALONE = "this thread"
    TOGETHER = "this thread and others"
    WATCHED = "others, while this thread waits"

    # That of an enumeration is a call of Python, and every launch looks its way up.
    __hash__ = object.__hash__


def run(
    way: Way,
    stretch: Stretch,
    blocks: int,
    threads: int,
    stop: Callable[[], None],
    *,
    whole: bool = False,
) -> float:
    """Run `stretch` over all blocks, on other threads too; how many seconds that took.

    It is run once if `whole`. `stop` is called where this thread is interrupted while it waits.
    """
    clock = perf_counter()
    job = _Job(stretch, blocks, 1 if whole else threads * _STRETCHES)
    helpers = threads - 1 if way is Way.TOGETHER else threads
    running: list[Future[None]] = []
    try:
        # A signal may come between any two of these, and then nobody must go on.
        for _ in range(helpers):
            running.append(_crew().submit(job.work))
        if way is Way.TOGETHER:
            job.work()
        pending = set(running)
        while pending:
            done, pending = wait(pending, timeout=_TICK, return_when=FIRST_EXCEPTION)
            for one in done:
                one.result()
    except BaseException:
        job.stopped = True
        stop()
        if wait(running, timeout=_GRACE).not_done:
            _abandon()
        raise
    return perf_counter() - clock


class Paces:
    """How long blocks took in the last launches of a kernel, and what follows for the next.

    A launch of a kind that was not seen before is watched. Of one that is neither very short nor
    long both other ways are tried: whether threads help, depends on what they wait for.
    """

    def __init__(self) -> None:
        self._kind: object = None
        self._known: dict[Way, float] = {}

    def choose(self, kind: object, blocks: int, threads: int) -> Way:
        """Who is to run a launch; launches of one kind have blocks that take as long."""
        if kind != self._kind:
            self._kind, self._known = kind, {}
        known = self._known
        if not known:
            return Way.WATCHED
        # Of a launch that was shared, this is how long it would take alone, at most.
        expected = blocks * min(
            pace if way is Way.ALONE else pace * threads for way, pace in known.items()
        )
        if expected >= _WORTH_WATCHING:
            return Way.WATCHED
        if threads == 1 or expected < _WORTH_SHARING or Way.ALONE not in known:
            return Way.ALONE
        if Way.TOGETHER not in known:
            return Way.TOGETHER
        return min((Way.ALONE, Way.TOGETHER), key=known.__getitem__)

    def learn(self, way: Way, seconds: float, blocks: int) -> None:
        """A launch has taken so long."""
        self._known[way] = seconds / blocks


@cache
def processors() -> int:
    """How many processors this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


class _Job:
    """The blocks of a launch, handed out in the order of their index."""

    def __init__(self, stretch: Stretch, blocks: int, parts: int) -> None:
        self._stretch = stretch
        self._blocks = blocks
        self._size = max(1, blocks // parts)
        self._numbers = count()
        self.stopped = False

    def work(self) -> None:
        """Take stretches until there are none."""
        while not self.stopped and (first := next(self._numbers) * self._size) < self._blocks:
            self._stretch(first, min(first + self._size, self._blocks))


class _Crew:
    """Threads that wait for something to do, started when there first is."""

    def __init__(self) -> None:
        self._tasks: SimpleQueue[tuple[Future[None], Callable[[], None]] | None] = SimpleQueue()
        self._size = 0
        self._lock = threading.Lock()

    def submit(self, work: Callable[[], None]) -> Future[None]:
        """Have one of the threads do it."""
        with self._lock:
            if self._size < processors():
                self._size += 1
                name = f"oxide-cpu-{self._size}"
                threading.Thread(target=self._serve, name=name, daemon=True).start()
        done: Future[None] = Future()
        self._tasks.put((done, work))
        return done

    def dismiss(self) -> None:
        """End each thread when it has nothing else to do."""
        for _ in range(self._size):
            self._tasks.put(None)

    def _serve(self) -> None:
        while (task := self._tasks.get()) is not None:
            done, work = task
            try:
                work()
            except BaseException as error:  # it belongs to who waits for the result
                done.set_exception(error)
            else:
                done.set_result(None)
            # What a launch holds lives no longer than the launch.
            del task, done, work


@single
def _crew() -> _Crew:
    return _Crew()


def _abandon() -> None:
    """Some threads are busy with what nobody waits for: the next launch gets others."""
    _crew().dismiss()
    _crew.forget()


if hasattr(os, "register_at_fork"):
    # The threads are in the parent alone.
    os.register_at_fork(after_in_child=_crew.forget)
