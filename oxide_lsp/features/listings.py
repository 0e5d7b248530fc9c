"""Compiled kernels as hovers and lenses want them: what is there is given at once.

    hover, lens ─► of(kernel)    known: the code, its registers          unknown: None, and it is
                                                                         compiled when all is quiet
                   compiled ─► `changed`: lenses are asked for again

Code is known by the proof that it was made from, so a kernel that was not edited keeps its
registers while its file is checked. One kernel is compiled at a time, only while nothing waits to
be checked, and not before nobody has typed for a moment.
"""

from __future__ import annotations

import asyncio
import logging
from collections import OrderedDict
from typing import TYPE_CHECKING

from oxide_lsp.worker import JobFailed, WorkerDied

if TYPE_CHECKING:
    from collections.abc import Callable

    from oxide_lsp.compiling import Compiled
    from oxide_lsp.known import Known
    from oxide_lsp.server import OxideServer
    from oxide_lsp.state import Document

logger = logging.getLogger(__name__)

_MOST_KEPT = 256
_QUIET = 0.2


class Listings:
    """What has been compiled, and what somebody would like to see compiled."""

    def __init__(self, ls: OxideServer, changed: Callable[[], None]) -> None:
        """Nothing yet; `changed` is called when something was compiled."""
        self._ls = ls
        self._changed = changed
        self._known: OrderedDict[tuple[str, str], Compiled] = OrderedDict()
        self._wanted: dict[tuple[str, str], str] = {}
        self._loop: asyncio.Task[None] | None = None

    def of(self, document: Document, kernel: Known) -> Compiled | None:
        """The code of a kernel, or what keeps it from compiling; None if that is not known yet."""
        answer = kernel.answer
        if answer is None or not answer.compiles:
            return None
        known = self._known.get((answer.proof, self._ls.target))
        if known is not None:
            self._known.move_to_end((answer.proof, self._ls.target))
            return known
        self._wanted[document.uri, kernel.qualname] = answer.proof
        self.resume()
        return None

    def resume(self) -> None:
        """There may be time to compile now."""
        if self._wanted and (self._loop is None or self._loop.done()):
            self._loop = asyncio.ensure_future(self._run())

    async def _run(self) -> None:
        await asyncio.sleep(_QUIET)
        # Whoever is told that a check has ended resumes this.
        while self._wanted and self._ls.checking.is_idle:
            (uri, qualname), proof = self._wanted.popitem()
            document = self._ls.documents.get(uri)
            if document is None or not document.settled.is_set():
                continue
            answer = next((k.answer for k in document.kernels() if k.qualname == qualname), None)
            if answer is None or answer.proof != proof:
                # It was edited: who still wants it asks again.
                continue
            await self._compile(document, qualname, proof)

    async def _compile(self, document: Document, qualname: str, proof: str) -> None:
        target = self._ls.target
        try:
            compiled = await self._ls.worker.compile(document.source.path, qualname, target)
        except WorkerDied:
            return
        except JobFailed as failed:
            logger.error("%s could not be compiled\n%s", qualname, failed.details)
            return
        self._known[proof, target] = compiled
        if len(self._known) > _MOST_KEPT:
            self._known.popitem(last=False)
        self._changed()
