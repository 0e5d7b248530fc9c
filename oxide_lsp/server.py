"""The language server: its life, and the documents that the editor has open.

Reads files, never imports or runs one. Standard output belongs to the protocol.
"""

from __future__ import annotations

import gc
import importlib
import importlib.metadata
import logging
from typing import TYPE_CHECKING, cast

from lsprotocol import types
from pygls.lsp.server import LanguageServer
from pygls.workspace import PositionCodec

from oxide_analyzer.source import SourceFile
from oxide_lsp.convert import Client, Converter, path_of, split_lines_like_python
from oxide_lsp.features import (
    code_actions,
    completion,
    diagnostics,
    hover,
    inlay_hints,
    lenses,
    navigation,
    ptx,
    refreshing,
    semantic_tokens,
    symbols,
    virtual_documents,
)
from oxide_lsp.features.listings import Listings
from oxide_lsp.features.preferences import Preferences
from oxide_lsp.settings import settings_of
from oxide_lsp.state import Checking, Document

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
        super().__init__("oxide", _version(), max_workers=4)
        self.worker = worker
        self.documents: dict[str, Document] = {}
        self.checking = Checking(worker, self.documents, self._answered)
        nobody = Client.of(types.ClientCapabilities(), pull=False)
        self.converter = Converter(PositionCodec(), nobody, self._open_file)
        self.target = _DEFAULT_TARGET
        self.pulls = False
        self.refreshes = False
        self.served: dict[str, tuple[int, str]] = {}
        self.views = ptx.Views()
        self.preferences = Preferences()
        self.listings = Listings(self, lambda: refreshing.compiled(self))
        self.drawn: dict[str, str] = {}

    def settings_of(self, path: str) -> Settings:
        """What holds for a file; an unsaved one belongs to the first folder of the workspace."""
        folders = [path_of(folder.uri) for folder in self.workspace.folders.values()]
        return settings_of(path, folders[0] if folders else self.workspace.root_path)

    def initialize(self, params: types.InitializeParams) -> None:
        """What the client can do, and what its user wants."""
        capabilities = params.capabilities
        diagnostics.register(self, capabilities)
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

    def check_again(self, *, except_uri: str = "") -> None:
        """Files that open ones import, or settings, may have changed on disk."""
        for document in self.documents.values():
            if document.uri != except_uri:
                document.settings = self.settings_of(document.source.path)
                document.forget_reading()
                self.checking.request(document)

    def _open_file(self, path: str) -> tuple[str, SourceFile] | None:
        for document in self.documents.values():
            if document.source.path == path:
                return document.uri, document.source
        return None

    def _answered(self, document: Document) -> None:
        diagnostics.answered(self, document)
        ptx.answered(self, document)
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


def initialized(ls: OxideServer, params: types.InitializedParams) -> None:
    """The client has its answer: there is time to import what the first file needs."""
    importlib.import_module("oxide_analyzer.frontends")
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


def shutdown(ls: OxideServer, params: object) -> None:
    """The client is leaving."""
    ls.worker.kill()


def did_open(ls: OxideServer, params: types.DidOpenTextDocumentParams) -> None:
    """A file was opened."""
    item = params.text_document
    source = SourceFile(path_of(item.uri), item.text)
    document = Document(item.uri, item.version, source, ls.settings_of(source.path))
    ls.documents[item.uri] = document
    ls.checking.request(document)
    diagnostics.changed(ls, document)


def did_change(ls: OxideServer, params: types.DidChangeTextDocumentParams) -> None:
    """A file was edited; pygls has applied the edit to its copy."""
    document = ls.documents.get(params.text_document.uri)
    if document is None:
        return
    text = ls.workspace.get_text_document(document.uri).source
    document.update(params.text_document.version, SourceFile(document.source.path, text))
    if not document.settled.is_set():
        ls.checking.request(document)
    diagnostics.changed(ls, document)


def did_save(ls: OxideServer, params: types.DidSaveTextDocumentParams) -> None:
    """Other open files may import the saved one."""
    ls.check_again(except_uri=params.text_document.uri)
    ptx.saved(ls, params.text_document.uri)


def did_close(ls: OxideServer, params: types.DidCloseTextDocumentParams) -> None:
    """A file was closed."""
    uri = params.text_document.uri
    ls.documents.pop(uri, None)
    ls.checking.forget(uri)
    ls.drawn.pop(uri, None)
    diagnostics.closed(ls, uri)


def did_change_configuration(ls: OxideServer, params: types.DidChangeConfigurationParams) -> None:
    """The user's settings changed; some clients send them under our name, some bare."""
    settings = cast("object", params.settings)
    if isinstance(settings, dict):
        ours = cast("dict[str, object]", settings)
        ls.configure(ours.get("oxide", ours))
        refreshing.configured(ls)


def did_change_watched_files(ls: OxideServer, params: types.DidChangeWatchedFilesParams) -> None:
    """A pyproject.toml was written."""
    ls.check_again()


def _version() -> str:
    try:
        return importlib.metadata.version("oxide-kernels")
    except importlib.metadata.PackageNotFoundError:
        return "unknown"
