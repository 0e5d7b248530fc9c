"""Waiting on an event loop for what threads find out.

    await all_of(settled)        the loop goes on once; what is short is done by then
                                 what is not calls back from its thread, and the loop is woken
                                 once for all that has been told until it gets there

To wake a loop takes a thread longer than all else that it does then, and who is woken takes the
interpreter's lock from who enqueues. So a task is woken once, by the last that it waits for, and
tasks that are told together are woken together.
"""

from __future__ import annotations

import asyncio
import threading
from collections import deque
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Generator, Sequence

    from oxide_codegen.operations.completion import Waited


async def all_of(waited: Sequence[Waited]) -> None:
    """Wait until all are done, whatever their results."""
    # Others go on even where everything is done, so nobody is kept from the loop.
    await _Turn()
    left = [one for one in waited if not one.done()]
    if left:
        await _told(left, len(left))


async def first_of(waited: Sequence[Waited]) -> None:
    """Wait until one of them is done, whatever its result."""
    await _told(waited, 1)


def block(waited: Sequence[Waited]) -> None:
    """Wait in this thread, where there is no loop, until one of them is done."""
    told = threading.Event()
    for one in waited:
        one.add_done_callback(lambda _: told.set())
    told.wait()


class _Turn:
    """The other tasks of the loop go on once."""

    def __await__(self) -> Generator[None]:
        yield


async def _told(waited: Sequence[Waited], count: int) -> None:
    """Wait until so many of them are done."""
    loop = asyncio.get_running_loop()
    told: asyncio.Future[None] = loop.create_future()
    box = _box(loop)
    # list.pop is atomic, and whoever finds nothing left tells.
    left = [None] * count

    def tell(_: Waited) -> None:
        if left:
            left.pop()
        if not left:
            box.put(told)

    for one in waited:
        one.add_done_callback(tell)
    await told


class _Box:
    """What a loop is to be told, by any thread."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self.loop = loop
        self._told: deque[asyncio.Future[None]] = deque()
        self._is_called = False

    def put(self, told: asyncio.Future[None]) -> None:
        """Wake who waits for it."""
        self._told.append(told)
        # Who has called has not opened the box yet, and finds this in it.
        if not self._is_called:
            self._is_called = True
            try:
                self.loop.call_soon_threadsafe(self._open)
            except RuntimeError:
                # The loop was closed: nobody waits there any more.
                return

    def _open(self) -> None:
        self._is_called = False
        while self._told:
            one = self._told.popleft()
            if not one.done():
                one.set_result(None)


class _Here(threading.local):
    """The box of the loop that ran in this thread last."""

    box: _Box | None = None


_here = _Here()


def _box(loop: asyncio.AbstractEventLoop) -> _Box:
    box = _here.box
    if box is None or box.loop is not loop:
        box = _here.box = _Box(loop)
    return box
