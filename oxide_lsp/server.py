"""The language server: its life, and the documents that the editor has open.

Reads files, never imports or runs one. Standard output belongs to the protocol.
"""

from __future__ import annotations

import gc
import importlib
import importlib.metadata
import logging
from pathlib import Path
from typing import TYPE_CHECKING, cast

from lsprotocol import types
from pygls.exceptions import JsonRpcContentModified, JsonRpcException
from pygls.lsp.server import LanguageServer
from pygls.workspace import PositionCodec

from oxide_analyzer.source import SourceFile, Span
from oxide_lsp.checking import Checking
from oxide_lsp.convert import Client, Converter, path_of, split_lines_like_python
from oxide_lsp.documents import CellSource, Documents
from oxide_lsp.features import (
    code_actions,
    completion,
    diagnostics,
    hover,
    inlay_hints,
    lenses,
    navigation,
    notebooks,
    ptx,
    refreshing,
    semantic_tokens,
    symbols,
    virtual_documents,
    workspace_diagnostics,
)
from oxide_lsp.features.listings import Listings
from oxide_lsp.features.preferences import Preferences
from oxide_lsp.health import RESTART, Health
from oxide_lsp.settings import Wishes, settings_of
from oxide_lsp.state import Document

if TYPE_CHECKING:
    from oxide_lsp.settings import Settings
    from oxide_lsp.worker import Worker

logger = logging.getLogger(__name__)

_DEFAULT_TARGET = "sm_80"


class OxideServer(LanguageServer):
    """Everything that one client's session knows."""

    def __init__(self, worker: Worker) -> None:
        """A server that has not met its client, and so can show nothing yet."""
        # Reading standard input takes a thread of this pool.
        super().__init__("oxide", _version(), max_workers=4, notebook_document_sync=notebooks.SYNC)
        self.worker = worker
        self.documents = Documents()
        self.health = Health(self)
        self.checking = Checking(worker, self.documents, self.health, self._answered)
        self.wishes: dict[str, Wishes] = {}
        self.elsewhere = workspace_diagnostics.Elsewhere()
        nobody = Client.of(types.ClientCapabilities(), pull=False)
        self.converter = Converter(PositionCodec(), nobody, self._open_file)
        self.target = _DEFAULT_TARGET
        self.pulls = False
        self.pulls_workspace = False
        self.refreshes = False
        self.served: dict[str, tuple[int, str]] = {}
        self.views = ptx.Views()
        self.preferences = Preferences()
        self.listings = Listings(self, lambda: refreshing.compiled(self))
        self.drawn: dict[str, str] = {}

    def settings_of(self, path: str) -> Settings:
        """What holds for a file; an unsaved one belongs to the first folder of the workspace."""
        folders = {path_of(folder.uri): folder.uri for folder in self.workspace.folders.values()}
        first = next(iter(folders), self.workspace.root_path)
        around = [folder for folder in folders if Path(path).is_relative_to(folder)]
        uri = folders.get(max(around, key=len, default=first or ""), "")
        wishes = self.wishes.get(uri) or self.wishes.get("")
        settings = settings_of(path, first, wishes)
        if settings.problem is not None:
            self.health.misconfigured(settings.problem)
        return settings

    def initialize(self, params: types.InitializeParams) -> None:
        """What the client can do, and what its user wants."""
        capabilities = params.capabilities
        diagnostics.register(self, params)
        client = Client.of(capabilities, pull=self.pulls)
        self.converter = Converter(self.workspace.position_codec, client, self._open_file)
        self.configure(params.initialization_options)

    def configure(self, options: object) -> None:
        """Take the user's settings; what is missing or has another type keeps its value."""
        settings = cast("dict[str, object]", options) if isinstance(options, dict) else {}
        target = settings.get("ptxTarget")
        if isinstance(target, str) and target:
            self.target = target
        ptx.configure(self, settings.get("ptxHide"))
        self.preferences = self.preferences.with_settings(settings)
        self.wishes[""] = Wishes.of(settings)

    def report_server_error(self, error: Exception, source: object) -> None:
        """Log what went wrong: the user cannot repair it, and the pipe may be what is broken."""
        if not isinstance(error, JsonRpcContentModified):
            logger.error("%s: %s", getattr(source, "__name__", source), error)

    def check_again(self, *, except_uri: str = "") -> None:
        """Files that open ones import, or settings, may have changed."""
        self.health.configured()
        for document in self.documents.files():
            if document.uri != except_uri:
                document.settings = self.settings_of(document.source.path)
                document.forget_reading()
                self.checking.request(document)
                diagnostics.changed(self, document)

    def changed(self, document: Document) -> None:
        """A file was opened, or has a newer text."""
        if not document.settled.is_set():
            self.checking.request(document)
        diagnostics.changed(self, document)

    def closed(self, uri: str) -> None:
        """A file was closed."""
        document = self.documents.remove(uri)
        self.checking.forget(uri)
        for shown in document.shown if document is not None else ():
            self.drawn.pop(shown.uri, None)
            diagnostics.closed(self, shown.uri)

    def _open_file(self, span: Span) -> tuple[str, SourceFile] | None:
        document = self.documents.showing(span)
        return None if document is None else (document.uri, document.source)

    def _answered(self, document: Document) -> None:
        self.health.recovered()
        diagnostics.answered(self, document)
        for shown in document.shown:
            ptx.answered(self, shown)
        refreshing.answered(self, document)


def make_server(worker: Worker) -> OxideServer:
    """A server that has not met its client yet."""
    split_lines_like_python()
    ls = OxideServer(worker)
    ls.feature(types.INITIALIZE)(initialize)
    ls.feature(types.INITIALIZED)(initialized)
    ls.feature(types.SHUTDOWN)(shutdown)
    ls.feature(types.TEXT_DOCUMENT_DID_OPEN)(did_open)
    ls.feature(types.TEXT_DOCUMENT_DID_CHANGE)(did_change)
    ls.feature(types.TEXT_DOCUMENT_DID_SAVE)(did_save)
    ls.feature(types.TEXT_DOCUMENT_DID_CLOSE)(did_close)
    ls.feature(types.WORKSPACE_DID_CHANGE_CONFIGURATION)(did_change_configuration)
    ls.feature(types.WORKSPACE_DID_CHANGE_WATCHED_FILES)(did_change_watched_files)
    ls.feature(types.WORKSPACE_DID_CHANGE_WORKSPACE_FOLDERS)(did_change_folders)
    ls.command(RESTART)(lambda: restart_analyzer(ls))
    ls.feature("oxide/fileText")(file_text)
    notebooks.register(ls)
    workspace_diagnostics.register(ls)
    hover.register(ls)
    code_actions.register(ls)
    for feature in (completion, inlay_hints, lenses, navigation, semantic_tokens, symbols):
        feature.register(ls)
    ptx.register(ls)
    virtual_documents.register(ls)
    return ls


# ---------------------------------------------------------------- the protocol's events


def initialize(ls: OxideServer, params: types.InitializeParams) -> None:
    """The client has introduced itself; the answer follows."""
    ls.initialize(params)


async def initialized(ls: OxideServer, params: types.InitializedParams) -> None:
    """The client has its answer: there is time to import what the first file needs."""
    importlib.import_module("oxide_analyzer.frontends.numba")
    # The modules live as long as the server: collecting garbage among them doubles the time
    # that reading a file takes.
    gc.freeze()
    workspace = ls.client_capabilities.workspace
    watched = workspace.did_change_watched_files if workspace is not None else None
    if watched is not None and watched.dynamic_registration:
        watchers = [types.FileSystemWatcher(glob_pattern="**/pyproject.toml")]
        registration = types.Registration(
            id="oxide-settings",
            method=types.WORKSPACE_DID_CHANGE_WATCHED_FILES,
            register_options=types.DidChangeWatchedFilesRegistrationOptions(watchers=watchers),
        )
        ls.client_register_capability(types.RegistrationParams(registrations=[registration]))
    virtual_documents.initialized(ls)
    before = dict(ls.wishes)
    await ask_for_settings(ls)
    if ls.wishes.get("") != before.get("") or any(w != Wishes() for w in ls.wishes.values()):
        ls.check_again()


def shutdown(ls: OxideServer, params: object) -> None:
    """The client is leaving."""
    ls.health.is_over = True
    ls.checking.stop()
    ls.worker.kill()


def did_open(ls: OxideServer, params: types.DidOpenTextDocumentParams) -> None:
    """A file was opened."""
    item = params.text_document
    source = SourceFile(path_of(item.uri), item.text)
    document = Document(item.uri, item.version, source, ls.settings_of(source.path))
    ls.documents.put(document)
    workspace_diagnostics.opened(ls, item.uri)
    ls.changed(document)


def did_change(ls: OxideServer, params: types.DidChangeTextDocumentParams) -> None:
    """A file was edited; pygls has applied the edit to its copy."""
    document = ls.documents.file(params.text_document.uri)
    if document is None:
        return
    text = ls.workspace.get_text_document(document.uri).source
    document.update(params.text_document.version, SourceFile(document.source.path, text))
    ls.changed(document)


def did_save(ls: OxideServer, params: types.DidSaveTextDocumentParams) -> None:
    """Other open files may import the saved one."""
    ls.check_again(except_uri=params.text_document.uri)
    ptx.saved(ls, params.text_document.uri)


def did_close(ls: OxideServer, params: types.DidCloseTextDocumentParams) -> None:
    """A file was closed."""
    ls.closed(params.text_document.uri)


async def did_change_configuration(
    ls: OxideServer, params: types.DidChangeConfigurationParams
) -> None:
    """The user's settings changed; some clients send them under our name, some bare."""
    settings = cast("object", params.settings)
    before = dict(ls.wishes)
    if isinstance(settings, dict):
        ours = cast("dict[str, object]", settings)
        ls.configure(ours.get("oxide", ours))
    await ask_for_settings(ls)
    if ls.wishes != before:
        ls.check_again()
    refreshing.configured(ls)


async def ask_for_settings(ls: OxideServer) -> None:
    """Ask an editor that can be asked what its user wants, for each folder of the workspace."""
    workspace = ls.client_capabilities.workspace
    if workspace is None or not workspace.configuration:
        return
    folders = [folder.uri for folder in ls.workspace.folders.values()]
    items = [types.ConfigurationItem(section="oxide")]
    items += [types.ConfigurationItem(scope_uri=uri, section="oxide") for uri in folders]
    try:
        found = await ls.workspace_configuration_async(types.ConfigurationParams(items=items))
    except JsonRpcException as error:
        logger.warning("the editor does not say its settings: %s", error)
        return
    said = cast("list[object]", found or [])
    if said and isinstance(said[0], dict):
        ls.configure(said[0])
    for uri, one in zip(folders, said[1:], strict=False):
        if isinstance(one, dict):
            ls.wishes[uri] = Wishes.of(cast("dict[str, object]", one))


def did_change_watched_files(ls: OxideServer, params: types.DidChangeWatchedFilesParams) -> None:
    """A pyproject.toml was written, or a file that open ones may import."""
    ls.check_again()


async def did_change_folders(
    ls: OxideServer, params: types.DidChangeWorkspaceFoldersParams
) -> None:
    """Folders were added to the workspace, or taken out of it."""
    for folder in params.event.removed:
        ls.wishes.pop(folder.uri, None)
    await ask_for_settings(ls)
    ls.check_again()


def file_text(ls: OxideServer, params: object) -> dict[str, object] | None:
    """What the server takes for the text of a document: for who looks for a fault in either."""
    uri = getattr(getattr(params, "textDocument", None), "uri", "")
    document = ls.documents.get(uri)
    if document is None:
        return None
    text = document.source.cell if isinstance(document.source, CellSource) else document.source
    return {"version": document.version, "text": text.text}


def restart_analyzer(ls: OxideServer) -> None:
    """Start the analyzer's process anew, whatever became of the last one."""
    ls.worker.kill()
    ls.health.try_again()
    ls.check_again()


def _version() -> str:
    try:
        return importlib.metadata.version("oxide-kernels")
    except importlib.metadata.PackageNotFoundError:
        return "unknown"
