"""Which version of which file the worker checks next.

One file after the other, always the newest version: what was typed meanwhile replaces what waits,
and an answer about an older version is dropped.

    version   1          2    3    4
    server    read       read read read            cheap findings of each, at once
    worker    ──check 1──►    ──check 2──► ──4──►   3 was never started
                        keep          drop     keep

A file whose last check took long is not checked at every keystroke, but at the first one, and then
when nobody has typed for as long as that check took, half a second at most; one that is quick is
checked at once. Files that are not open are checked when nothing else is to be done, and give way
when there is.
"""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from dataclasses import dataclass
from time import monotonic
from typing import TYPE_CHECKING

from oxide_analyzer.record import record
from oxide_lsp.jobs import Answer
from oxide_lsp.worker import JobFailed, WorkerDied

if TYPE_CHECKING:
    from collections.abc import Callable

    from oxide_analyzer.source import SourceFile
    from oxide_lsp.documents import Documents
    from oxide_lsp.health import Health
    from oxide_lsp.settings import Settings
    from oxide_lsp.state import Document
    from oxide_lsp.worker import Worker

logger = logging.getLogger(__name__)

# An outdated check stops at its next kernel. If that takes longer its process is killed, with
# all that it remembers.
_PATIENCE = 2.0

# A check that ended its process is tried once more, for the process may have been the victim.
_ATTEMPTS = 2

# So quick a check is worth nobody's waiting, and longer than this nobody waits.
_QUICK = 0.04
_LONGEST_PAUSE = 0.5


@record
class _Running:
    """The check under way: the file that is open, None for another, and its text."""

    uri: str | None
    text: str


@dataclass
class _Job:
    """A file that is not open and shall be checked."""

    source: SourceFile
    settings: Settings
    answered: asyncio.Future[Answer]


class Checking:
    """Takes files through the worker, one at a time; open ones first, the latest edited first.

    `answered` is told whenever an open file has new verdicts.
    """

    def __init__(
        self,
        worker: Worker,
        documents: Documents,
        health: Health,
        answered: Callable[[Document], None],
    ) -> None:
        """Nothing waits yet."""
        self._worker = worker
        self._documents = documents
        self._health = health
        self._answered = answered
        # The files that wait, and when they may be checked.
        self._waiting: dict[str, float] = {}
        self._others: deque[_Job] = deque()
        # What their last checks cost, and when they were edited last.
        self._costs: dict[str, float] = {}
        self._typed: dict[str, float] = {}
        self._running: _Running | None = None
        self._loop: asyncio.Task[None] | None = None
        self._news = asyncio.Event()

    @property
    def is_idle(self) -> bool:
        """Whether the worker has nothing to check."""
        return self._running is None and not self._waiting and not self._others

    def request(self, document: Document) -> None:
        """Check the newest version of this file, before others that wait."""
        uri = document.uri
        self._waiting.pop(uri, None)
        if not document.mentions_kernels:
            document.settle(Answer((), ()))
            self._answered(document)
            return
        if self._health.has_given_up or not document.parses:
            document.settle_for_now()
            self._answered(document)
            return
        self._waiting[uri] = monotonic() + self._pause(uri)
        running = self._running
        if running is not None and (running.uri is None or running.uri == uri):
            self._worker.cancel()
            if running.uri == uri:
                loop = asyncio.get_running_loop()
                loop.call_later(_PATIENCE, self._kill_outdated, running)
        self._news.set()
        self._start()

    async def check(self, source: SourceFile, settings: Settings) -> Answer:
        """Check a file that is not open, when there is time."""
        job = _Job(source, settings, asyncio.get_running_loop().create_future())
        self._others.append(job)
        self._start()
        try:
            return await job.answered
        finally:
            if job in self._others:
                self._others.remove(job)

    def stop(self) -> None:
        """Nobody wants to know anything any more."""
        self._waiting.clear()
        self._others.clear()
        if self._loop is not None:
            self._loop.cancel()

    def forget(self, uri: str) -> None:
        """The file was closed."""
        self._waiting.pop(uri, None)
        self._costs.pop(uri, None)
        self._typed.pop(uri, None)

    def _pause(self, uri: str) -> float:
        cost, now = self._costs.get(uri, 0.0), monotonic()
        quiet = now - self._typed.get(uri, -_LONGEST_PAUSE)
        self._typed[uri] = now
        pause = min(cost, _LONGEST_PAUSE)
        return 0.0 if cost < _QUICK or quiet > pause else pause

    def _start(self) -> None:
        if self._loop is None or self._loop.done():
            self._loop = asyncio.ensure_future(self._run())

    def _kill_outdated(self, running: _Running) -> None:
        if self._running is running:
            self._worker.kill()

    async def _run(self) -> None:
        self._health.busy(True)
        try:
            while self._waiting or self._others:
                uri = next(reversed(self._waiting), None)
                if uri is None:
                    await self._check_other(self._others.popleft())
                elif (wait := self._waiting[uri] - monotonic()) > 0:
                    await self._typing(wait)
                else:
                    del self._waiting[uri]
                    await self._check_open(uri)
                self._recycle()
        finally:
            self._health.busy(False)

    async def _typing(self, seconds: float) -> None:
        """Wait until somebody types on, or does not."""
        self._news.clear()
        try:
            await asyncio.wait_for(self._news.wait(), seconds)
        except TimeoutError:
            return

    async def _check_open(self, uri: str) -> None:
        document = self._documents.file(uri)
        if document is None:
            return
        source = document.source
        answer = await self._check(uri, source, document.settings)
        if answer is None:
            return
        self._costs[uri] = self._worker.cost
        is_newest = self._documents.file(uri) is document and document.source is source
        if not is_newest or uri in self._waiting:
            return
        document.settle(answer)
        try:
            self._answered(document)
        except Exception:
            logger.exception("the findings of %s could not be sent", uri)

    async def _check_other(self, job: _Job) -> None:
        if job.answered.done():
            return
        answer = await self._check(None, job.source, job.settings)
        if answer is None:
            # Somebody typed; this file is not forgotten.
            self._others.appendleft(job)
        elif not job.answered.done():
            job.answered.set_result(answer)

    async def _check(
        self, uri: str | None, source: SourceFile, settings: Settings
    ) -> Answer | None:
        """The answer about a text, or None if it is no longer wanted."""
        from oxide_analyzer.rules.ox999_internal_error import internal_error

        others = tuple(d.source for d in self._documents.files() if d.uri != uri)
        failure: Exception | None = None
        for _ in range(_ATTEMPTS):
            running = self._running = _Running(uri, source.text)
            try:
                return await self._worker.check(source, others, settings.configuration)
            except WorkerDied as death:
                if death.wanted or uri in self._waiting:
                    return None
                failure = death
                self._health.died(source.path, death)
            except JobFailed as failed:
                logger.error("%s could not be checked\n%s", source.path, failed.details)
                failure = failed
                break
            finally:
                if self._running is running:
                    self._running = None
        assert failure is not None
        return Answer((), (internal_error(source.path, failure),))

    def _recycle(self) -> None:
        """Give back the memory of a process that has come to need too much of it."""
        if self._worker.needs_much and self._running is None:
            self._worker.kill()
            # What compiles is what the new process has checked.
            now = monotonic()
            self._waiting.update(
                {d.uri: now for d in self._documents.files() if d.mentions_kernels and d.parses}
            )
