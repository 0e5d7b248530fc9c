"""What is known about each open file, and which version of it is checked next.

Two kinds of findings. The cheap ones, the frontend's, are computed in the server for every
version. The solver's come from the worker, one file after the other, always the newest version:
what was typed meanwhile replaces what waits, and an answer about an older version is dropped.

    version   1          2    3    4
    server    read       read read read            cheap findings of each, at once
    worker    ──check 1──►    ──check 2──► ──4──►   3 was never started
                        keep          drop     keep
"""

from __future__ import annotations

import asyncio
import logging
import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from oxide_analyzer.record import record
from oxide_lsp.carry import carry
from oxide_lsp.jobs import Answer
from oxide_lsp.worker import JobFailed, WorkerDied

if TYPE_CHECKING:
    from collections.abc import Callable

    from oxide_analyzer.diagnostics import Diagnostic
    from oxide_analyzer.frontends.oxide import Reading
    from oxide_analyzer.source import SourceFile
    from oxide_lsp.jobs import KernelAnswer
    from oxide_lsp.settings import Settings
    from oxide_lsp.worker import Worker

logger = logging.getLogger(__name__)

# A file without any of these has no kernels, and its syntax is somebody else's business.
_MENTIONS = re.compile(r"oxide|numba|cuda\.jit|cupyx")

# An outdated check stops at its next kernel. If that takes longer its process is killed, with
# all that it remembers.
_PATIENCE = 2.0

# A check that ended its process is tried once more, for the process may have been the victim.
_ATTEMPTS = 2


@record
class Verdicts:
    """A worker's answer with the text that it is about.

    `solver` are the findings that the frontend alone does not have.
    """

    source: SourceFile
    answer: Answer
    solver: tuple[Diagnostic, ...]


@dataclass
class Document:
    """An open file: its newest text, and the last verdicts, perhaps about an older one."""

    uri: str
    version: int
    source: SourceFile
    settings: Settings
    verdicts: Verdicts | None = None
    settled: asyncio.Event = field(default_factory=asyncio.Event)
    _reading: Reading | None = None
    _findings: tuple[Diagnostic, ...] | None = None

    def update(self, version: int, source: SourceFile) -> None:
        """A newer text. The old verdicts stay until there are new ones."""
        if source.text != self.source.text:
            self.source = source
            self.forget_reading()
        self.version = version

    def forget_reading(self) -> None:
        """The text, or what it imports, is another than the verdicts are about."""
        self._reading = None
        self._findings = None
        self.settled.clear()

    def settle(self, answer: Answer) -> None:
        """The worker's answer about the newest text."""
        cheap = {(d.span, d.code) for d in self.cheap_findings()}
        solver = tuple(d for d in answer.diagnostics if (d.span, d.code) not in cheap)
        self.verdicts = Verdicts(self.source, answer, solver)
        self._findings = None
        self.settled.set()

    @property
    def mentions_kernels(self) -> bool:
        """Whether the file may have kernels that its project wants checked."""
        return not self.settings.excluded and _MENTIONS.search(self.source.text) is not None

    def reading(self) -> Reading:
        """What the frontend makes of the newest text."""
        from oxide_analyzer.frontends.oxide import Reading, read
        from oxide_analyzer.rules.ox999_internal_error import internal_error

        if self._reading is None:
            try:
                self._reading = read(self.source, self.settings.modules)
            except Exception as error:
                # A defect of the frontend must not take the server's other answers along.
                logger.exception("%s could not be read", self.source.path)
                self._reading = Reading((), (), (internal_error(self.source.path, error),))
        return self._reading

    def cheap_findings(self) -> tuple[Diagnostic, ...]:
        """The frontend's findings about the newest text, without those that a comment hides."""
        from oxide_analyzer import suppressions

        if not self.mentions_kernels:
            return ()
        found = suppressions.apply(self.source, self.reading().diagnostics)
        return tuple(d for d in found if d.suppressed is None)

    def findings(self) -> tuple[Diagnostic, ...]:
        """The best answer at this moment: the verdicts, or cheap findings and moved verdicts."""
        if self._findings is None:
            found = self._best_findings()
            self._findings = tuple(d for d in found if self.settings.admits(d))
        return self._findings

    def kernel_at(self, line: int, column: int) -> KernelAnswer | None:
        """The kernel whose name stands there, if the verdicts are about the newest text."""
        if self.verdicts is None or self.verdicts.source.text != self.source.text:
            return None
        kernels = self.verdicts.answer.kernels
        return next((k for k in kernels if k.name_span.contains(line, column)), None)

    def _best_findings(self) -> tuple[Diagnostic, ...]:
        verdicts = self.verdicts
        if verdicts is not None and self.settled.is_set():
            return verdicts.answer.diagnostics
        cheap = self.cheap_findings()
        if verdicts is None or not self.mentions_kernels:
            return cheap
        reading = self.reading()
        carried = carry(
            verdicts.solver,
            verdicts.source,
            verdicts.answer.kernels,
            self.source,
            (*reading.kernels, *reading.unread),
            parses=all(d.name != "syntax-error" for d in reading.diagnostics),
        )
        seen = {(d.span, d.code) for d in cheap}
        fresh = tuple(d for d in carried if (d.span, d.code) not in seen)
        return tuple(sorted(cheap + fresh, key=lambda d: (d.span, d.code)))


class Checking:
    """Takes the newest version of each waiting document through the worker, one at a time.

    `answered` is told whenever a document has new verdicts.
    """

    def __init__(
        self,
        worker: Worker,
        documents: dict[str, Document],
        answered: Callable[[Document], None],
    ) -> None:
        """Nothing waits yet."""
        self._worker = worker
        self._documents = documents
        self._answered = answered
        self._waiting: dict[str, None] = {}
        self._running: tuple[str, str] | None = None
        self._loop: asyncio.Task[None] | None = None

    @property
    def is_idle(self) -> bool:
        """Whether the worker has nothing to check."""
        return self._running is None and not self._waiting

    def request(self, document: Document) -> None:
        """Check the newest version of this document, before others that wait."""
        uri = document.uri
        self._waiting.pop(uri, None)
        if not document.mentions_kernels:
            document.settle(Answer((), ()))
            self._answered(document)
            return
        self._waiting[uri] = None
        if self._running is not None and self._running[0] == uri:
            job = self._running
            self._worker.cancel()
            asyncio.get_running_loop().call_later(_PATIENCE, self._kill_outdated, job)
        if self._loop is None or self._loop.done():
            self._loop = asyncio.ensure_future(self._run())

    def forget(self, uri: str) -> None:
        """The document was closed."""
        self._waiting.pop(uri, None)

    def _kill_outdated(self, job: tuple[str, str]) -> None:
        if self._running is job:
            self._worker.kill()

    async def _run(self) -> None:
        while self._waiting:
            uri, _ = self._waiting.popitem()
            document = self._documents.get(uri)
            if document is None:
                continue
            answer = await self._check(document)
            current = self._documents.get(uri)
            if answer is None or current is not document or uri in self._waiting:
                continue
            document.settle(answer)
            try:
                self._answered(document)
            except Exception:
                logger.exception("the findings of %s could not be sent", uri)

    async def _check(self, document: Document) -> Answer | None:
        """The answer about the document's text of now, or None if it is no longer wanted."""
        from oxide_analyzer.rules.ox999_internal_error import internal_error

        uri, source = document.uri, document.source
        configuration = document.settings.configuration
        others = tuple(d.source for d in self._documents.values() if d.uri != uri)
        failure: Exception | None = None
        for _ in range(_ATTEMPTS):
            self._running = (uri, source.text)
            try:
                return await self._worker.check(source, others, configuration)
            except WorkerDied as death:
                if death.wanted or uri in self._waiting:
                    return None
                failure = death
            except JobFailed as failed:
                logger.error("%s could not be checked\n%s", source.path, failed.details)
                failure = failed
                break
            finally:
                self._running = None
        assert failure is not None
        return Answer((), (internal_error(source.path, failure),))
