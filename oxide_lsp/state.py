"""What is known about an open file.

Two kinds of findings. The cheap ones, the frontend's, are computed in the server for every
version; the solver's come from the worker (`checking`). Until they do, the last ones are carried
along to where they stand now. While a text does not parse, nothing but that is new.
"""

from __future__ import annotations

import asyncio
import logging
import re
from functools import cache
from typing import TYPE_CHECKING

from oxide_analyzer.record import record
from oxide_lsp.analyser import forget_old_trees
from oxide_lsp.carry import carry
from oxide_lsp.known import known

if TYPE_CHECKING:
    from oxide_analyzer.diagnostics import Diagnostic
    from oxide_analyzer.frontends import Earlier, Reading
    from oxide_analyzer.source import SourceFile, Span
    from oxide_lsp.jobs import Answer
    from oxide_lsp.known import Known
    from oxide_lsp.settings import Settings

logger = logging.getLogger(__name__)

# A file without any of these has no kernels, and its syntax is somebody else's business.
_MENTIONS = re.compile(r"oxide|numba|cuda\.jit|cupyx")


@cache
def _earlier() -> Earlier:
    """What was read of kernels before: a keystroke changes one of them."""
    from oxide_analyzer.frontends import Earlier

    return Earlier()


@record
class Verdicts:
    """A worker's answer with the text that it is about.

    `solver` are the findings that the frontend alone does not have.
    """

    source: SourceFile
    answer: Answer
    solver: tuple[Diagnostic, ...]


class Document:
    """An open file: its newest text, and the last verdicts, perhaps about an older one.

    `settings` are those of its place in the workspace. A notebook is one file: see `notebooks`.
    """

    def __init__(self, uri: str, version: int, source: SourceFile, settings: Settings) -> None:
        """A file that was just opened."""
        self.uri = uri
        self.version = version
        self.source = source
        self.settings = settings
        self._verdicts: Verdicts | None = None
        self._settled = asyncio.Event()
        self._reading: Reading | None = None
        self._findings: tuple[Diagnostic, ...] | None = None
        self._kernels: tuple[Known, ...] | None = None

    @property
    def verdicts(self) -> Verdicts | None:
        """The last answer of the worker's."""
        return self._verdicts

    @property
    def settled(self) -> asyncio.Event:
        """Set while nothing better is to be expected than what is known."""
        return self._settled

    @property
    def shown(self) -> tuple[Document, ...]:
        """The documents in which an editor shows the file: itself, or the cells of a notebook."""
        return (self,)

    @property
    def file(self) -> Document:
        """The file that it is, or that it is a cell of."""
        return self

    def holds(self, span: Span) -> bool:
        """Whether a place in the file stands in this document."""
        del span
        return True

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
        self._kernels = None
        self.settled.clear()

    def settle(self, answer: Answer) -> None:
        """The worker's answer about the newest text."""
        cheap = {(d.span, d.code) for d in self.cheap_findings()}
        # A newer text need not end the process too: that is said of this one alone.
        found = (d for d in answer.diagnostics if d.name != "internal-error")
        solver = tuple(d for d in found if (d.span, d.code) not in cheap)
        self._verdicts = Verdicts(self.source, answer, solver)
        self.settle_for_now()

    def settle_for_now(self) -> None:
        """Nothing more will be known about this text; older verdicts are carried along."""
        self._findings = None
        self._kernels = None
        self.settled.set()

    @property
    def parses(self) -> bool:
        """Whether the text is Python: of one that is not, no verdict says anything."""
        from oxide_analyzer.diagnostics import Diagnostic
        from oxide_analyzer.frontends.oxide.parsing import parse

        return not isinstance(parse(self.source), Diagnostic)

    @property
    def is_judged(self) -> bool:
        """Whether the verdicts are about the newest text, and about what it imports now."""
        verdicts = self.verdicts
        return (
            verdicts is not None
            and self.settled.is_set()
            and verdicts.source.text == self.source.text
        )

    @property
    def mentions_kernels(self) -> bool:
        """Whether the file may have kernels that its project wants checked."""
        return not self.settings.excluded and _MENTIONS.search(self.said) is not None

    @property
    def said(self) -> str:
        """What is written in the file."""
        return self.source.text

    def reading(self) -> Reading:
        """What the frontend makes of the newest text."""
        from oxide_analyzer.frontends import Reading, read
        from oxide_analyzer.rules.ox999_internal_error import internal_error

        if self._reading is None:
            try:
                forget_old_trees()
                self._reading = read(self.source, self.settings.modules, _earlier())
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
        reading = self.reading()
        places = [one.span for one in (*reading.kernels, *reading.unread)]
        found = suppressions.apply(self.source, reading.diagnostics, kernels=places)
        return tuple(d for d in found if d.suppressed is None)

    def findings(self) -> tuple[Diagnostic, ...]:
        """The best answer at this moment: the verdicts, or cheap findings and moved verdicts."""
        if self._findings is None:
            found = self._best_findings()
            self._findings = tuple(d for d in found if self.settings.admits(d))
        return self._findings

    def kernels(self) -> tuple[Known, ...]:
        """The kernels of the newest text with what is known of them."""
        if self._kernels is None:
            self._kernels = known(
                self.source, self.reading(), self.verdicts, is_settled=self.is_judged
            )
        return self._kernels

    def _best_findings(self) -> tuple[Diagnostic, ...]:
        verdicts = self.verdicts
        if verdicts is not None and self.is_judged:
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
