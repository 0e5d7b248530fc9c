"""Notebooks: cells as an editor syncs them to the one file that the analyzer reads.

Each change of a notebook, be it in a cell, of the order of cells or of a cell's language, makes
the joined text anew (`oxide_analyzer.notebooks`), and the file is checked as any other. Findings
go to the cells that they stand in; a cell that is gone is told that it has none.
"""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import unquote

from lsprotocol import types

from oxide_lsp.convert import path_of
from oxide_lsp.documents import NotebookDocument
from oxide_lsp.features import diagnostics, ptx

if TYPE_CHECKING:
    from oxide_analyzer.notebooks.joined import Notebook
    from oxide_lsp.server import OxideServer

_PYTHON = "python"

SYNC = types.NotebookDocumentSyncOptions(
    notebook_selector=[
        types.NotebookDocumentFilterWithCells(cells=[types.NotebookCellLanguage(language=_PYTHON)])
    ],
    save=True,
)
"""What editors are asked to sync: the Python cells of every notebook."""


def register(ls: OxideServer) -> None:
    """Follow notebooks."""
    ls.feature(types.NOTEBOOK_DOCUMENT_DID_OPEN)(did_open)
    ls.feature(types.NOTEBOOK_DOCUMENT_DID_CHANGE)(did_change)
    ls.feature(types.NOTEBOOK_DOCUMENT_DID_SAVE)(did_save)
    ls.feature(types.NOTEBOOK_DOCUMENT_DID_CLOSE)(did_close)


def did_open(ls: OxideServer, params: types.DidOpenNotebookDocumentParams) -> None:
    """A notebook was opened."""
    uri = params.notebook_document.uri
    notebook, cells = _read(ls, uri)
    settings = ls.settings_of(path_of(uri))
    document = NotebookDocument(uri, params.notebook_document.version, notebook, cells, settings)
    ls.documents.put(document)
    ls.changed(document)


def did_change(ls: OxideServer, params: types.DidChangeNotebookDocumentParams) -> None:
    """Cells were edited, moved, added, removed, or are of another language."""
    uri = params.notebook_document.uri
    document = ls.documents.file(uri)
    if not isinstance(document, NotebookDocument):
        return
    before = {cell.uri for cell in document.shown}
    notebook, cells = _read(ls, uri)
    document.update_cells(params.notebook_document.version, notebook, cells)
    ls.documents.put(document)
    for gone in before - {cell.uri for cell in document.shown}:
        diagnostics.closed(ls, gone)
    ls.changed(document)


def did_save(ls: OxideServer, params: types.DidSaveNotebookDocumentParams) -> None:
    """Nothing imports a notebook; its compiled code is compared with later."""
    document = ls.documents.file(params.notebook_document.uri)
    for cell in document.shown if document is not None else ():
        ptx.saved(ls, cell.uri)


def did_close(ls: OxideServer, params: types.DidCloseNotebookDocumentParams) -> None:
    """A notebook was closed."""
    ls.closed(params.notebook_document.uri)


def _read(ls: OxideServer, uri: str) -> tuple[Notebook, list[tuple[str, int]]]:
    """The joined cells as they are now, and their URIs with their versions."""
    # Most sessions see no notebook.
    from oxide_analyzer.notebooks.joined import join

    notebook = ls.workspace.get_notebook_document(notebook_uri=uri)
    cells: list[tuple[str, int]] = []
    texts: list[str] = []
    foreign: set[int] = set()
    for cell in notebook.cells if notebook is not None else ():
        if cell.kind != types.NotebookCellKind.Code:
            continue
        # pygls keeps documents by their unquoted names.
        text = ls.workspace.text_documents.get(unquote(cell.document))
        if text is None or text.language_id not in (_PYTHON, None):
            foreign.add(len(cells))
        cells.append((cell.document, text.version or 0 if text is not None else 0))
        texts.append(text.source if text is not None else "")
    path = path_of(uri)
    joined = join(path, texts, paths=[c for c, _ in cells], foreign=frozenset(foreign))
    return joined, cells
