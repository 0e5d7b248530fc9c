"""Diagnostics, by the transport that the client understands.

A client that can pull asks when it likes; it gets what is known at that moment, and is told to
ask again when the solver knows more. Any other client is sent every version, cheap findings at
once, all findings later. Never both: the client would show every finding twice.

    pull   client: pull ─► cheap … refresh ◄─ server … client: pull ─► all
    push   didChange ─► publish(version 7, cheap) … publish(version 7, all)
"""

from __future__ import annotations

import asyncio
import contextlib
from typing import TYPE_CHECKING

from lsprotocol import types
from pygls.exceptions import JsonRpcContentModified

from oxide_lsp.convert import result_id
from oxide_lsp.features import workspace_diagnostics

if TYPE_CHECKING:
    from oxide_lsp.server import OxideServer
    from oxide_lsp.state import Document

# A client that cannot be told to ask again waits this long for the solver.
_PATIENCE = 0.05

# Changes that arrive together are answered once.
_TOGETHER = 0.001


def register(ls: OxideServer, params: types.InitializeParams) -> None:
    """Choose the transport; call it before the server's capabilities are made."""
    capabilities = params.capabilities
    text_document = capabilities.text_document
    ls.pulls = text_document is not None and text_document.diagnostic is not None
    if ls.pulls:
        workspace = capabilities.workspace
        refresh = workspace.diagnostics if workspace is not None else None
        ls.refreshes = refresh is not None and bool(refresh.refresh_support)
        options = types.DiagnosticOptions(
            identifier="oxide", inter_file_dependencies=True, workspace_diagnostics=False
        )
        ls.feature(types.TEXT_DOCUMENT_DIAGNOSTIC, options)(pull)
        # Some editors ask for this all the time: only those that were told to are answered.
        wanted = params.initialization_options
        if isinstance(wanted, dict) and wanted.get("diagnosticMode") == "workspace":
            ls.pulls_workspace = True
            ls.feature(types.WORKSPACE_DIAGNOSTIC)(workspace_diagnostics.pull)


async def pull(
    ls: OxideServer, params: types.DocumentDiagnosticParams
) -> types.DocumentDiagnosticReport:
    """The findings of a document as they are known now."""
    document = ls.documents.get(params.text_document.uri)
    if document is None:
        return types.RelatedFullDocumentDiagnosticReport(items=[])
    if not ls.refreshes:
        version = document.version
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(document.settled.wait(), _PATIENCE)
        document = ls.documents.get(params.text_document.uri)
        if document is None or document.version != version:
            # The client has a newer text, and will ask about that.
            raise JsonRpcContentModified
    items = _items(ls, document)
    identity = result_id(items)
    ls.served[document.uri] = (document.version, identity)
    if params.previous_result_id == identity:
        return types.RelatedUnchangedDocumentDiagnosticReport(result_id=identity)
    return types.RelatedFullDocumentDiagnosticReport(items=items, result_id=identity)


def changed(ls: OxideServer, document: Document) -> None:
    """The text is new: send the cheap findings to a client that does not pull."""
    if ls.pulls:
        return
    version = document.version

    def publish_unless_newer() -> None:
        if ls.documents.file(document.uri) is document and document.version == version:
            _publish(ls, document)

    asyncio.get_running_loop().call_later(_TOGETHER, publish_unless_newer)


def answered(ls: OxideServer, document: Document) -> None:
    """The verdicts are new: send them, or ask the client to pull."""
    if not ls.pulls:
        _publish(ls, document)
        return
    if ls.refreshes and any(_is_outdated(ls, shown) for shown in document.shown):
        ls.workspace_diagnostic_refresh(None)


def _is_outdated(ls: OxideServer, document: Document) -> bool:
    """Whether a client shows something else; one that has not asked yet will do so by itself."""
    served = ls.served.get(document.uri)
    return (
        served is not None
        and served[0] == document.version
        and served[1] != result_id(_items(ls, document))
    )


def closed(ls: OxideServer, uri: str) -> None:
    """Take back what was shown of a file that is no longer open."""
    ls.served.pop(uri, None)
    if not ls.pulls:
        ls.text_document_publish_diagnostics(
            types.PublishDiagnosticsParams(uri=uri, diagnostics=[])
        )


def _publish(ls: OxideServer, file: Document) -> None:
    for document in file.shown:
        _publish_one(ls, document)


def _publish_one(ls: OxideServer, document: Document) -> None:
    items = _items(ls, document)
    served = (document.version, result_id(items))
    if ls.served.get(document.uri) == served:
        return
    ls.served[document.uri] = served
    ls.text_document_publish_diagnostics(
        types.PublishDiagnosticsParams(
            uri=document.uri, version=document.version, diagnostics=items
        )
    )


def _items(ls: OxideServer, document: Document) -> list[types.Diagnostic]:
    return [ls.converter.diagnostic(document.source, d) for d in document.findings()]
