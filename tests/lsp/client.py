"""A small client of the language server protocol, as the tests need it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

ROOT = Path(__file__).parents[2]
FAKE_SERVER = (sys.executable, str(Path(__file__).with_name("fake_server.py")))
REAL_SERVER = (sys.executable, "-m", "oxide_lsp", "--stdio")

PUSH: dict[str, Any] = {"relatedInformation": True, "versionSupport": True}
PULL: dict[str, Any] = {"dynamicRegistration": False, "relatedInformation": True}

Json = dict[str, Any]


class Client:
    """Starts a server and talks to it; a thread reads what it says."""

    def __init__(
        self,
        folder: Path,
        *,
        pull: bool,
        refresh: bool = True,
        encodings: Sequence[str] = ("utf-16",),
        command: Sequence[str] = FAKE_SERVER,
        related: bool = True,
        folders: Sequence[Path] = (),
        settings: Callable[[str | None], Any] | None = None,
        options: Json | None = None,
        progress: bool = False,
    ) -> None:
        paths = [str(ROOT), str(ROOT / "analyzer"), str(ROOT / "codegen")]
        paths += filter(None, os.environ.get("PYTHONPATH", "").split(os.pathsep))
        environment = {**os.environ, "PYTHONPATH": os.pathsep.join(paths)}
        self.process = subprocess.Popen(
            command,
            cwd=folder,
            env=environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )
        self.log = b""
        self._settings = settings
        self.received: list[Json] = []
        self._changed = threading.Condition()
        self._ids = 0
        self._versions: dict[str, int] = {}
        self._threads = [
            threading.Thread(target=self._read, daemon=True),
            threading.Thread(target=self._read_log, daemon=True),
        ]
        for thread in self._threads:
            thread.start()
        text_document: Json = {"publishDiagnostics": {**PUSH, "relatedInformation": related}}
        if pull:
            text_document["diagnostic"] = {**PULL, "relatedInformation": related}
        capabilities = {
            "textDocument": text_document,
            "workspace": {
                "diagnostics": {"refreshSupport": refresh},
                "workspaceEdit": {"documentChanges": True},
                "textDocumentContent": {"dynamicRegistration": True},
                "configuration": settings is not None,
            },
            "window": {"workDoneProgress": progress},
            "general": {"positionEncodings": list(encodings)},
        }
        self.capabilities = self.request(
            "initialize",
            {
                "processId": os.getpid(),
                "rootUri": folder.as_uri(),
                "workspaceFolders": [
                    {"uri": one.as_uri(), "name": one.name} for one in folders or (folder,)
                ],
                "capabilities": capabilities,
                "initializationOptions": options or {},
            },
        )["capabilities"]
        self.notify("initialized", {})

    # ------------------------------------------------------------ messages

    def notify(self, method: str, params: Json) -> None:
        self._send({"jsonrpc": "2.0", "method": method, "params": params})

    def request(self, method: str, params: Json | None, timeout: float = 10.0) -> Any:
        self._ids += 1
        number = self._ids
        self._send({"jsonrpc": "2.0", "id": number, "method": method, "params": params})
        reply = self.wait(lambda m: m.get("id") == number and "method" not in m, timeout)
        assert "error" not in reply, reply["error"]
        return reply["result"]

    def wait(
        self, wanted: Callable[[Json], bool], timeout: float = 10.0, *, after: int = 0
    ) -> Json:
        """The first message, from the `after`-th on, that is wanted."""
        end = time.monotonic() + timeout
        seen = after
        with self._changed:
            while True:
                for message in self.received[seen:]:
                    if wanted(message):
                        return message
                seen = len(self.received)
                left = end - time.monotonic()
                if left <= 0 or not self._changed.wait(left):
                    raise TimeoutError(f"not received; the log says:\n{self.log.decode()}")

    def close(self) -> int:
        """Say goodbye; the exit code."""
        self.request("shutdown", None)
        self.notify("exit", {})
        code = self.process.wait(10)
        for thread in self._threads:
            thread.join(5)
        for pipe in (self.process.stdin, self.process.stdout, self.process.stderr):
            assert pipe is not None
            pipe.close()
        return code

    # ------------------------------------------------------------ documents

    def open(self, path: Path, text: str) -> str:
        uri = path.as_uri()
        self._versions[uri] = 1
        item = {"uri": uri, "languageId": "python", "version": 1, "text": text}
        self.notify("textDocument/didOpen", {"textDocument": item})
        return uri

    def change(self, uri: str, text: str, edit: Json | None = None) -> int:
        """The whole text, or an edit of a range; the new version."""
        self._versions[uri] += 1
        version = self._versions[uri]
        changes = [{"text": text} if edit is None else {"range": edit, "text": text}]
        self.notify(
            "textDocument/didChange",
            {"textDocument": {"uri": uri, "version": version}, "contentChanges": changes},
        )
        return version

    def open_notebook(self, path: Path, cells: Sequence[tuple[str, str]]) -> str:
        """Open a notebook of code cells, each a name and a text; cells are called `cell_uri`."""
        uri = path.as_uri()
        self._versions[uri] = 1
        self.notify(
            "notebookDocument/didOpen",
            {
                "notebookDocument": {
                    "uri": uri,
                    "notebookType": "jupyter-notebook",
                    "version": 1,
                    "cells": [{"kind": 2, "document": cell_uri(path, name)} for name, _ in cells],
                },
                "cellTextDocuments": [self._cell(path, name, text) for name, text in cells],
            },
        )
        return uri

    def change_notebook(self, uri: str, cells: Json) -> None:
        """Change cells: `structure`, `data` or `textContent`."""
        self._versions[uri] += 1
        document = {"uri": uri, "version": self._versions[uri]}
        params = {"notebookDocument": document, "change": {"cells": cells}}
        self.notify("notebookDocument/didChange", params)

    def change_cell(self, path: Path, name: str, text: str) -> int:
        """Give a cell another text; its new version."""
        uri = cell_uri(path, name)
        self._versions[uri] += 1
        document = {"uri": uri, "version": self._versions[uri]}
        content = {"document": document, "changes": [{"text": text}]}
        self.change_notebook(path.as_uri(), {"textContent": [content]})
        return self._versions[uri]

    def set_cells(
        self, path: Path, names: Sequence[str], opened: Sequence[tuple[str, str]] = (),
        closed: Sequence[str] = (), before: int = 0, language: str = "python",
    ) -> None:  # fmt: skip
        """Put the cells of a notebook in this order; `before` is how many there were."""
        array = {
            "start": 0,
            "deleteCount": before,
            "cells": [{"kind": 2, "document": cell_uri(path, name)} for name in names],
        }
        structure = {
            "array": array,
            "didOpen": [self._cell(path, name, text, language) for name, text in opened],
            "didClose": [{"uri": cell_uri(path, name)} for name in closed],
        }
        self.change_notebook(path.as_uri(), {"structure": structure})

    def _cell(self, path: Path, name: str, text: str, language: str = "python") -> Json:
        uri = cell_uri(path, name)
        self._versions[uri] = self._versions.get(uri, 0) + 1
        return {"uri": uri, "languageId": language, "version": self._versions[uri], "text": text}

    def close_document(self, uri: str) -> None:
        self.notify("textDocument/didClose", {"textDocument": {"uri": uri}})

    def published(self, uri: str, version: int, wanted: Callable[[list[Json]], bool]) -> list[Json]:
        """The diagnostics that were pushed for this version, once they are as wanted."""

        def matches(message: Json) -> bool:
            if message.get("method") != "textDocument/publishDiagnostics":
                return False
            params = message["params"]
            return (
                params["uri"] == uri
                and params.get("version") == version
                and wanted(params["diagnostics"])
            )

        return self.wait(matches)["params"]["diagnostics"]

    def pull(self, uri: str, previous: str | None = None) -> Json:
        params: Json = {"textDocument": {"uri": uri}}
        if previous is not None:
            params["previousResultId"] = previous
        return self.request("textDocument/diagnostic", params)

    def pulled(self, uri: str, wanted: Callable[[list[Json]], bool]) -> list[Json]:
        """Pull, and again after each refresh, until the diagnostics are as wanted."""
        seen = 0
        while True:
            items = self.pull(uri)["items"]
            if wanted(items):
                return items
            refresh = self.wait(
                lambda m: m.get("method") == "workspace/diagnostic/refresh", after=seen
            )
            seen = self.received.index(refresh) + 1

    def at(self, method: str, uri: str, line: int, character: int) -> Any:
        position = {"line": line, "character": character}
        return self.request(method, {"textDocument": {"uri": uri}, "position": position})

    def actions(self, uri: str, line: int) -> list[Json]:
        """The code actions of a line, counted from 0."""
        place = {"start": {"line": line, "character": 0}, "end": {"line": line, "character": 999}}
        context: Json = {"diagnostics": [], "only": ["quickfix"]}
        params = {"textDocument": {"uri": uri}, "range": place, "context": context}
        return self.request("textDocument/codeAction", params)

    # ------------------------------------------------------------ the pipe

    def _send(self, message: Json) -> None:
        body = json.dumps(message).encode()
        assert self.process.stdin is not None
        self.process.stdin.write(b"Content-Length: %d\r\n\r\n%b" % (len(body), body))
        self.process.stdin.flush()

    def _read(self) -> None:
        pipe = self.process.stdout
        assert pipe is not None
        while True:
            length = 0
            while (line := pipe.readline()).strip():
                name, _, value = line.partition(b":")
                # Whatever else stands on standard output would break the protocol.
                assert name in (b"Content-Length", b"Content-Type"), line
                if name == b"Content-Length":
                    length = int(value)
            if not line:
                return
            message = json.loads(pipe.read(length))
            if "id" in message and "method" in message:
                result = self._served(message)
                self._send({"jsonrpc": "2.0", "id": message["id"], "result": result})
            with self._changed:
                self.received.append(message)
                self._changed.notify_all()

    def _served(self, message: Json) -> Any:
        """The answer to a request of the server's."""
        if message["method"] == "workspace/configuration" and self._settings is not None:
            return [self._settings(item.get("scopeUri")) for item in message["params"]["items"]]
        return None

    def _read_log(self) -> None:
        assert self.process.stderr is not None
        for line in self.process.stderr:
            self.log += line


def cell_uri(path: Path, name: str) -> str:
    """What an editor calls a cell."""
    return f"vscode-notebook-cell:{path.as_posix()}#{name}"


def codes(diagnostics: list[Json]) -> list[str]:
    return [d["code"] for d in diagnostics]
