"""The documents that an editor has open: files, and the cells of notebooks.

A notebook is one file to the analyzer and several documents to an editor. What is asked about a
cell is answered by a `CellDocument`: the knowledge of the whole, as far as it stands in the cell.

    file      nb.ipynb          the joined text, its reading, its verdicts
    shown     nb.ipynb#c1       places from line 1 of the cell, findings and kernels in it
              nb.ipynb#c2
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from oxide_analyzer.notebooks.cells import JoinedSource
from oxide_lsp.state import Document

if TYPE_CHECKING:
    import asyncio
    from collections.abc import Iterator

    from oxide_analyzer.diagnostics import Diagnostic
    from oxide_analyzer.frontends import Reading
    from oxide_analyzer.notebooks.joined import Cell, Notebook
    from oxide_analyzer.source import Span
    from oxide_lsp.known import Known
    from oxide_lsp.settings import Settings
    from oxide_lsp.state import Verdicts


class Documents:
    """The open documents by their URIs."""

    def __init__(self) -> None:
        """None is open."""
        self._files: dict[str, Document] = {}
        self._shown: dict[str, Document] = {}

    def get(self, uri: str) -> Document | None:
        """The document that an editor calls so: a file, or a cell."""
        return self._shown.get(uri)

    def values(self) -> Iterator[Document]:
        """Every document that an editor shows."""
        return iter(list(self._shown.values()))

    def file(self, uri: str) -> Document | None:
        """The file that is called so: a notebook is one."""
        return self._files.get(uri)

    def files(self) -> Iterator[Document]:
        """Every file that is open."""
        return iter(list(self._files.values()))

    def put(self, file: Document) -> None:
        """A file was opened, or the cells of a notebook are others."""
        self.remove(file.uri)
        self._files[file.uri] = file
        self._shown.update({document.uri: document for document in file.shown})

    def remove(self, uri: str) -> Document | None:
        """A file was closed."""
        file = self._files.pop(uri, None)
        if file is not None:
            self._shown = {
                shown: document
                for shown, document in self._shown.items()
                if document is not file and getattr(document, "notebook", None) is not file
            }
        return file

    def showing(self, span: Span) -> Document | None:
        """The document that shows a place, if it is open."""
        for file in self._files.values():
            if file.source.path == span.path:
                return next((d for d in file.shown if d.holds(span)), None)
        return None


@dataclass(frozen=True)
class CellSource(JoinedSource):
    """The joined text of a notebook, as seen from one of its cells."""

    notebook: Notebook | None = None
    number: int = 1

    @property
    def cell(self) -> Cell:
        """The cell."""
        assert self.notebook is not None
        return self.notebook.cells[self.number - 1]


class NotebookDocument(Document):
    """An open notebook: the joined text of its cells."""

    def __init__(
        self, uri: str, version: int, notebook: Notebook, cells: list[tuple[str, int]],
        settings: Settings,
    ) -> None:  # fmt: skip
        """`cells` are the URIs and versions of its code cells, in order."""
        super().__init__(uri, version, notebook.source, settings)
        self.joined = notebook
        self._cells = self._shown_cells(cells)

    @property
    def shown(self) -> tuple[Document, ...]:
        """Its cells."""
        return self._cells

    @property
    def said(self) -> str:
        """What is written in its cells."""
        return self.joined.said

    @property
    def parses(self) -> bool:
        """Whether every cell is Python."""
        return not self.joined.findings and super().parses

    def update_cells(self, version: int, notebook: Notebook, cells: list[tuple[str, int]]) -> None:
        """A newer text, or other cells."""
        if notebook.findings != self.joined.findings:
            # In the joined text a cell that does not parse is nothing but lines.
            self.forget_reading()
        self.joined = notebook
        self.update(version, notebook.source)
        self._cells = self._shown_cells(cells)

    @property
    def is_judged(self) -> bool:
        """Whether the verdicts are about the newest text."""
        return not self.joined.findings and super().is_judged

    def reading(self) -> Reading:
        """What the frontend makes of the newest text; of one with a broken cell just that."""
        from oxide_analyzer.frontends import Reading

        if self.joined.findings:
            return Reading((), (), self.joined.findings)
        return super().reading()

    def _shown_cells(self, cells: list[tuple[str, int]]) -> tuple[Document, ...]:
        return tuple(
            CellDocument(uri, version, self, number)
            for number, (uri, version) in enumerate(cells, 1)
        )


class CellDocument(Document):
    """A cell: what is known about its notebook, as far as it stands there."""

    def __init__(self, uri: str, version: int, notebook: NotebookDocument, number: int) -> None:
        """The cell of this number, from 1."""
        joined = notebook.joined
        source = CellSource(
            joined.source.path, joined.source.text, joined.source.ends, joined, number
        )
        super().__init__(uri, version, source, notebook.settings)
        self.notebook = notebook
        self._cell = joined.cells[number - 1]

    @property
    def verdicts(self) -> Verdicts | None:
        """Those of the notebook."""
        return self.notebook.verdicts

    @property
    def settled(self) -> asyncio.Event:
        """That of the notebook."""
        return self.notebook.settled

    @property
    def mentions_kernels(self) -> bool:
        """Whether the notebook may have kernels."""
        return self.notebook.mentions_kernels

    @property
    def is_judged(self) -> bool:
        """Whether the notebook is."""
        return self.notebook.is_judged

    @property
    def file(self) -> Document:
        """The notebook."""
        return self.notebook

    def holds(self, span: Span) -> bool:
        """Whether a place begins in the cell."""
        return span.path != self.source.path or (
            self.notebook.joined.place(span.line)[0] == self._cell.number
        )

    def reading(self) -> Reading:
        """The kernels that are read in the cell."""
        from oxide_analyzer.frontends import Reading

        reading = self.notebook.reading()
        return Reading(
            tuple(kernel for kernel in reading.kernels if self.holds(kernel.span)),
            tuple(kernel for kernel in reading.unread if self.holds(kernel.span)),
            tuple(finding for finding in reading.diagnostics if self.holds(finding.span)),
        )

    def findings(self) -> tuple[Diagnostic, ...]:
        """What is found in the cell; what is found in another file stands in the first."""
        here = self.source.path
        return tuple(
            finding
            for finding in self.notebook.findings()
            if (finding.span.path != here and self._cell.number == 1)
            or (finding.span.path == here and self.holds(finding.span))
        )

    def kernels(self) -> tuple[Known, ...]:
        """The kernels in the cell."""
        return tuple(kernel for kernel in self.notebook.kernels() if self.holds(kernel.span))
