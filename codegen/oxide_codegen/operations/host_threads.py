"""Threads on which Python functions of operations run: none of the driver's, no event loop's.

A function that waits for another one would wait for ever if there were no thread for that, so there
is one for each function that runs, up to a limit; they are kept for later ones. They are daemons: a
process that ends does not wait for them. One that was forked has none of them, and starts its own.
"""

from __future__ import annotations

import os
import threading
from concurrent.futures import Future
from contextvars import copy_context
from queue import SimpleQueue
from typing import TYPE_CHECKING, Any, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from oxide_codegen.operations.completion import Waited

_Task: TypeAlias = "tuple[Future[Any], Callable[[], Any]]"
_MOST = 128


def call(function: Callable[..., Any], given: Sequence[Any]) -> Future[Any]:
    """Call it with these, with the device that is chosen here."""
    context = copy_context()
    return _here[0].submit(lambda: context.run(function, *given))


def carry_on(step: Callable[[], tuple[Waited, ...]]) -> None:
    """Call `step` now, and whenever one of the futures is done that it gave; none of them: end."""
    context = copy_context()

    def go() -> None:
        waited = context.run(step)
        once = threading.Lock()

        def again(_: Waited) -> None:
            if once.acquire(blocking=False):
                _here[0].submit(go)

        for one in waited:
            one.add_done_callback(again)

    _here[0].submit(go)


class _Threads:
    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._tasks: SimpleQueue[_Task] = SimpleQueue()
        # Tasks that are not done, and threads.
        self._open = 0
        self._count = 0

    def submit(self, work: Callable[[], Any]) -> Future[Any]:
        done: Future[Any] = Future()
        with self._lock:
            self._open += 1
            starts = self._open > self._count and self._count < _MOST
            self._count += starts
        if starts:
            name = f"oxide-host-{self._count}"
            threading.Thread(target=self._serve, name=name, daemon=True).start()
        self._tasks.put((done, work))
        return done

    def _serve(self) -> None:
        while True:
            done, work = self._tasks.get()
            try:
                result = work()
            except BaseException as error:
                self._end()
                done.set_exception(error)
            else:
                self._end()
                done.set_result(result)
                del result
            # What a function holds lives no longer than its result.
            del done, work

    def _end(self) -> None:
        with self._lock:
            self._open -= 1


# Those of this process.
_here = [_Threads()]


def _start_anew() -> None:
    _here[0] = _Threads()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_start_anew)
