"""Threads on which Python functions of operations run: none of the driver's, no event loop's."""

from __future__ import annotations

import threading
from concurrent.futures import Future, ThreadPoolExecutor
from contextvars import copy_context
from functools import cache
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence


def call(function: Callable[..., Any], given: Sequence[Any]) -> Future[Any]:
    """Call it with these, with the device that is chosen here."""
    return _threads().submit(copy_context().run, function, *given)


def carry_on(step: Callable[[], tuple[Future[Any], ...]]) -> None:
    """Call `step` now, and whenever one of the futures is done that it gave; none of them: end."""
    context = copy_context()

    def go() -> None:
        waited = context.run(step)
        once = threading.Lock()

        def again(_: Future[Any]) -> None:
            if once.acquire(blocking=False):
                _threads().submit(go)

        for one in waited:
            one.add_done_callback(again)

    _threads().submit(go)


@cache
def _threads() -> ThreadPoolExecutor:
    return ThreadPoolExecutor(thread_name_prefix="oxide-host")
