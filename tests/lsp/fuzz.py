"""A client that does what clients may do, in any order, and knows what the server must know.

It opens, edits, saves and closes files and notebooks, asks everything that the server offers at
random places, changes settings, cancels, and does not wait for answers. What must hold:

* the server's text of every document is the client's, whose own is made by cutting strings;
* every request is answered, by an error only if the client cancelled it or changed the document;
* nothing is published about a document that is closed, and no version comes after a newer one;
* what is shown in the end is what `oxide-check` finds in the final texts.

A session is determined by its seed, except for the time that answers take.
"""

from __future__ import annotations

import os
import random
import re
import signal
import subprocess
import time
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lsp.fuzz_pipe import Pipe
from lsp.fuzz_texts import (
    KERNELS,
    NUMBA,
    SNIPPETS,
    TEXTS,
    Asked,
    Notebook,
    Text,
    Wrong,
    as_cell,
    item,
    places,
    token_ranges,
)
from oxide_analyzer import analysis
from oxide_analyzer.modules import NoModules
from oxide_analyzer.notebooks import checking
from oxide_analyzer.notebooks.joined import join
from oxide_analyzer.source import SourceFile

if TYPE_CHECKING:
    from collections.abc import Callable

Json = dict[str, Any]

CANCELLED, MODIFIED = -32800, -32801


class Session(Pipe):
    """One server, and what its client does to it."""

    def __init__(self, seed: int, folder: Path) -> None:
        """Nothing was done yet."""
        super().__init__()
        self.folder = folder
        self.counts: Counter[str] = Counter()
        self.slowest = 0.0
        self.chance = random.Random(seed)
        self.pulls = self.chance.random() < 0.5
        self.encoding = self.chance.choice(("utf-8", "utf-16", "utf-32"))
        self.files: dict[str, Text] = {}
        self.notebooks: dict[str, Notebook] = {}
        self.published: dict[str, tuple[int | None, list[Json]]] = {}
        self._names = iter(range(10**9))
        self._kills = 0

    # ------------------------------------------------------------ the life of a session

    def run(self, steps: int) -> None:
        """Do so many things, then look whether all is as it must be; raises `Wrong`."""
        self._start()
        try:
            for number in range(steps):
                self._step()
                if self.problems:
                    raise Wrong(self.problems[0])
                if number % 50 == 49:
                    self._compare_texts()
            self._finish()
        finally:
            self._end()

    def _start(self) -> None:
        self._spawn(self.folder)
        document: Json = {
            "publishDiagnostics": {"relatedInformation": True, "versionSupport": True},
            "codeAction": {"dataSupport": True},
        }
        if self.pulls:
            document["diagnostic"] = {"dynamicRegistration": False}
        capabilities = {
            "textDocument": document,
            "notebookDocument": {"synchronization": {"dynamicRegistration": False}},
            "workspace": {
                "configuration": self.chance.random() < 0.5,
                "diagnostics": {"refreshSupport": self.chance.random() < 0.7},
                "codeLens": {"refreshSupport": True},
                "inlayHint": {"refreshSupport": True},
                "semanticTokens": {"refreshSupport": True},
                "workspaceEdit": {"documentChanges": True},
                "textDocumentContent": {"dynamicRegistration": True},
            },
            "window": {"workDoneProgress": True, "showDocument": {"support": True}},
            "general": {"positionEncodings": [self.encoding]},
        }
        number = self._ask(
            "initialize",
            {
                "processId": os.getpid(),
                "rootUri": self.folder.as_uri(),
                "workspaceFolders": [{"uri": self.folder.as_uri(), "name": "fuzz"}],
                "capabilities": capabilities,
                "initializationOptions": {"diagnosticMode": "workspace"},
            },
        )
        self._reply(number)
        self._notify("initialized", {})

    def _finish(self) -> None:
        """Wait for every answer, and compare texts and findings."""
        self._compare_texts()
        end = time.monotonic() + self.patience
        with self._changed:
            while self.asked and (left := end - time.monotonic()) > 0:
                self._changed.wait(left)
        if self.asked:
            waiting = Counter(asked.method for asked in self.asked.values())
            raise Wrong(f"not answered: {dict(waiting)}")
        self._compare_findings()
        if self.problems:
            raise Wrong(self.problems[0])
        self._reply(self._ask("shutdown", None))
        self._notify("exit", None)
        try:
            code = self.process.wait(20)
        except subprocess.TimeoutExpired:
            # What keeps it is in the log.
            self.process.send_signal(signal.SIGABRT)
            self.process.wait(5)
            raise Wrong(f"it does not end; the log:\n{self.log.decode()[-6000:]}") from None
        if code != 0:
            raise Wrong(f"exit code {code}; the log:\n{self.log.decode()[-2000:]}")

    # ------------------------------------------------------------ what is done

    def _step(self) -> None:
        deeds: list[tuple[Callable[[], None], float]] = [
            (self._edit, 40), (self._request, 25), (self._cancel, 6), (self._open, 2),
            (self._close, 1.5), (self._save, 1), (self._edit_cell, 12), (self._move_cells, 3),
            (self._open_notebook, 1), (self._close_notebook, 0.4), (self._configure, 0.5),
            (self._crash, 0.15), (self._rest, 1.5),
        ]  # fmt: skip
        deed = self.chance.choices([d for d, _ in deeds], [weight for _, weight in deeds])[0]
        deed()
        self.counts[deed.__name__.strip("_")] += 1

    def _rest(self) -> None:
        time.sleep(self.chance.random() * 0.3)

    def _open(self) -> None:
        if len(self.files) >= 4:
            return
        uri = (self.folder / f"f{next(self._names)}.py").as_uri()
        text = Text(uri, self.chance.choice(TEXTS))
        self.files[uri] = text
        self._notify("textDocument/didOpen", {"textDocument": item(text)})

    def _close(self) -> None:
        if len(self.files) < 2:
            return
        text = self.files.pop(self.chance.choice(list(self.files)))
        self.edits[text.uri] += 1
        self._notify("textDocument/didClose", {"textDocument": {"uri": text.uri}})

    def _save(self) -> None:
        if self.files:
            uri = self.chance.choice(list(self.files))
            self._notify("textDocument/didSave", {"textDocument": {"uri": uri}})

    def _edit(self) -> None:
        if not self.files:
            self._open()
        text = self.chance.choice(list(self.files.values()))
        changes = self._changes(text)
        self._notify(
            "textDocument/didChange",
            {
                "textDocument": {"uri": text.uri, "version": text.version},
                "contentChanges": changes,
            },
        )

    def _changes(self, text: Text) -> list[Json]:
        """Changes of a document, done to the client's text as well."""
        text.version += self.chance.randint(1, 3)
        self.edits[text.uri] += 1
        if self.chance.random() < 0.03:
            # Now and then everything anew, or the text would be ruins in the end.
            text.text = self.chance.choice(TEXTS)
            return [{"text": text.text}]
        changes: list[Json] = []
        for _ in range(self.chance.choice((1, 1, 1, 2, 3))):
            start = text.offset(self.chance)
            longest = self.chance.choice((0, 0, 1, 3, 40))
            end = min(len(text.text), start + self.chance.randint(0, longest))
            if text.text[end - 1 : end + 1] == "\r\n" and end:
                end += 1
            new = "".join(self.chance.choices(SNIPPETS, k=self.chance.choice((0, 1, 1, 2))))
            place = {
                "start": text.position(start, self.encoding),
                "end": text.position(end, self.encoding),
            }
            text.text = text.text[:start] + new + text.text[end:]
            changes.append({"range": place, "text": new})
        return changes

    def _configure(self) -> None:
        oxide = {"ptxTarget": self.chance.choice(("sm_80", "sm_90")), "select": None}
        self._notify("workspace/didChangeConfiguration", {"settings": {"oxide": oxide}})

    def _crash(self) -> None:
        """End the analyzer's process; fewer times than the server puts up with."""
        children = Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children")
        if self._kills < 3 and children.exists():
            self._kills += 1
            for child in children.read_text(encoding="ascii").split():
                if b"oxide" in _command_line(child) or b"spawn" in _command_line(child):
                    os.kill(int(child), signal.SIGKILL)

    def _open_notebook(self) -> None:
        if len(self.notebooks) >= 2:
            return
        name = f"n{next(self._names)}.ipynb"
        uri = (self.folder / name).as_uri()
        book = Notebook(uri, [])
        book.cells = [self._new_cell(book, t) for t in ("%matplotlib inline\n", KERNELS, NUMBA)]
        self.notebooks[uri] = book
        self._notify(
            "notebookDocument/didOpen",
            {
                "notebookDocument": {
                    "uri": uri,
                    "notebookType": "jupyter-notebook",
                    "version": 1,
                    "cells": [as_cell(cell) for cell in book.cells],
                },
                "cellTextDocuments": [item(cell) for cell in book.cells],
            },
        )

    def _new_cell(self, book: Notebook, text: str) -> Text:
        path = book.uri.removeprefix("file:")
        return Text(f"vscode-notebook-cell:{path}#c{next(self._names)}", text)

    def _close_notebook(self) -> None:
        if not self.notebooks:
            return
        book = self.notebooks.pop(self.chance.choice(list(self.notebooks)))
        for cell in book.cells:
            self.edits[cell.uri] += 1
        cells = [{"uri": cell.uri} for cell in book.cells]
        self._notify(
            "notebookDocument/didClose",
            {"notebookDocument": {"uri": book.uri}, "cellTextDocuments": cells},
        )

    def _edit_cell(self) -> None:
        books = [book for book in self.notebooks.values() if book.cells]
        if not books:
            return
        book = self.chance.choice(books)
        cell = self.chance.choice(book.cells)
        changes = self._changes(cell)
        document = {"uri": cell.uri, "version": cell.version}
        self._change(book, {"textContent": [{"document": document, "changes": changes}]})

    def _move_cells(self) -> None:
        """Put in a cell, take one out, or move one."""
        if not self.notebooks:
            return
        book = self.chance.choice(list(self.notebooks.values()))
        kind = self.chance.random()
        opened: list[Text] = []
        closed: list[Text] = []
        before = list(book.cells)
        if kind < 0.4 or not book.cells:
            opened = [self._new_cell(book, self.chance.choice((*TEXTS, "x = 1", "")))]
            book.cells.insert(self.chance.randint(0, len(book.cells)), opened[0])
        elif kind < 0.7:
            closed = [book.cells.pop(self.chance.randrange(len(book.cells)))]
        else:
            cell = book.cells.pop(self.chance.randrange(len(book.cells)))
            book.cells.insert(self.chance.randint(0, len(book.cells)), cell)
        for cell in closed:
            self.edits[cell.uri] += 1
        cells = [as_cell(cell) for cell in book.cells]
        array = {"start": 0, "deleteCount": len(before), "cells": cells}
        structure: Json = {"array": array}
        if opened:
            structure["didOpen"] = [item(cell) for cell in opened]
        if closed:
            structure["didClose"] = [{"uri": cell.uri} for cell in closed]
        self._change(book, {"structure": structure})

    def _change(self, book: Notebook, cells: Json) -> None:
        book.version += 1
        self._notify(
            "notebookDocument/didChange",
            {
                "notebookDocument": {"uri": book.uri, "version": book.version},
                "change": {"cells": cells},
            },
        )

    def _texts(self) -> list[Text]:
        return [*self.files.values(), *(c for book in self.notebooks.values() for c in book.cells)]

    def _request(self) -> None:
        texts = self._texts()
        if not texts:
            return
        text = self.chance.choice(texts)
        document = {"uri": text.uri}
        if self.chance.random() < 0.05:
            document = {"uri": (self.folder / "nowhere.py").as_uri()}
        start, end = sorted((text.offset(self.chance), text.offset(self.chance)))
        place = text.position(start, self.encoding)
        if self.chance.random() < 0.1:
            place = {"line": place["line"] + 5, "character": place["character"] + 500}
        stretch = {
            "start": text.position(start, self.encoding),
            "end": text.position(end, self.encoding),
        }
        at = {"textDocument": document, "position": place}
        over = {"textDocument": document, "range": stretch}
        methods: list[tuple[str, Json]] = [
            ("textDocument/hover", at),
            ("textDocument/codeAction", {**over, "context": {"diagnostics": []}}),
            ("textDocument/documentSymbol", {"textDocument": document}),
            ("textDocument/inlayHint", over),
            ("textDocument/codeLens", {"textDocument": document}),
            ("textDocument/semanticTokens/full", {"textDocument": document}),
            ("textDocument/completion", at),
            ("workspace/symbol", {"query": self.chance.choice(("", "k", "copy"))}),
            ("oxide/ptx", at),
            ("oxide/fileText", {"textDocument": document}),
        ]
        if self.pulls:
            methods += [("textDocument/diagnostic", {"textDocument": document})] * 3
        if self.chance.random() < 0.02:
            methods = [("workspace/executeCommand", {"command": "oxide.check", "arguments": []})]
            if self.pulls and self.chance.random() < 0.5:
                methods = [("workspace/diagnostic", {"previousResultIds": []})]
        method, params = self.chance.choice([m for m in methods if self._offers(m[0])])
        if method == "oxide/ptx" and document["uri"].endswith("nowhere.py"):
            # To ask that of a file that is not open is the client's fault.
            return
        self._ask(method, params, document["uri"])

    def _offers(self, method: str) -> bool:
        provider = {
            "textDocument/hover": "hoverProvider",
            "textDocument/codeAction": "codeActionProvider",
            "textDocument/documentSymbol": "documentSymbolProvider",
            "textDocument/inlayHint": "inlayHintProvider",
            "textDocument/codeLens": "codeLensProvider",
            "textDocument/semanticTokens/full": "semanticTokensProvider",
            "textDocument/completion": "completionProvider",
            "workspace/symbol": "workspaceSymbolProvider",
        }.get(method)
        return provider is None or bool(self.capabilities.get(provider))

    def _cancel(self) -> None:
        with self._changed:
            waiting = list(self.asked)
            number = self.chance.choice(waiting) if waiting else 10**6
            if waiting:
                self.asked[number].is_cancelled = True
        self._notify("$/cancelRequest", {"id": number})

    # ------------------------------------------------------------ what must hold

    def _compare_texts(self) -> None:
        """The server's text of each document is the client's."""
        asked = {
            self._ask("oxide/fileText", {"textDocument": {"uri": t.uri}}, t.uri, keep=True): t
            for t in self._texts()
        }
        for number, text in asked.items():
            answer = self._reply(number)
            if answer is None or answer["text"] != text.text:
                got = None if answer is None else answer["text"]
                raise Wrong(f"the text of {text.uri} is {got!r}, not {text.text!r}")
            self.counts["texts compared"] += 1

    def _compare_findings(self) -> None:
        """What is shown in the end is what the analysis finds in the final texts."""
        for text in self.files.values():
            path = Path(text.uri.removeprefix("file://")).as_posix()
            report = analysis.check(SourceFile(path, text.text), NoModules())
            wanted = [(d.span.line, d.code) for d in report.diagnostics if d.suppressed is None]
            if not re.search("oxide|numba|cuda.jit|cupyx", text.text):
                wanted = []
            self._await_findings(text, sorted(wanted))
        for book in self.notebooks.values():
            notebook = join("nb.ipynb", [cell.text for cell in book.cells])
            report = checking.check(notebook, NoModules())
            for number, cell in enumerate(book.cells, 1):
                wanted = [
                    (place[1], d.code)
                    for d in report.diagnostics
                    if d.suppressed is None and (place := notebook.place(d.span.line))[0] == number
                ]
                if not re.search("oxide|numba|cuda.jit|cupyx", notebook.said):
                    wanted = []
                if notebook.findings:
                    # Of other cells only what was known before is shown.
                    codes = [w for w in wanted if w[1] == "OX001"]
                    self._await_findings(cell, sorted(codes), only="OX001")
                else:
                    self._await_findings(cell, sorted(wanted))

    def _await_findings(self, text: Text, wanted: list[tuple[int, str]], only: str = "") -> None:
        is_broken = bool(wanted) and all(code == "OX001" for _, code in wanted)
        shown: list[tuple[int, str]] = []
        end = time.monotonic() + self.patience
        while time.monotonic() < end:
            items = self._shown(text)
            shown = sorted((d["range"]["start"]["line"] + 1, d["code"]) for d in items)
            if only or is_broken:
                shown = [one for one in shown if one[1] == "OX001"]
            if shown == wanted:
                self.counts["findings compared"] += 1
                return
            time.sleep(0.1)
        version = self.published.get(text.uri, (None, []))[0]
        raise Wrong(
            f"version {text.version} of {text.uri} shows {shown} (of version {version}), "
            f"not {wanted}:\n{text.text}"
        )

    def _shown(self, text: Text) -> list[Json]:
        if self.pulls:
            number = self._ask(
                "textDocument/diagnostic", {"textDocument": {"uri": text.uri}}, text.uri, keep=True
            )
            answer = self._reply(number)
            return answer["items"] if answer else []
        return self.published.get(text.uri, (None, []))[1]

    def _take(self, message: Json) -> None:
        """An answer or a notification of the server's."""
        if "method" not in message:
            self._answered(message)
        elif "id" in message:
            self._send({"jsonrpc": "2.0", "id": message["id"], "result": self._served(message)})
        elif message["method"] == "textDocument/publishDiagnostics":
            self._publish(message["params"])

    def _served(self, message: Json) -> Any:
        match message["method"]:
            case "workspace/configuration":
                return [None for _ in message["params"]["items"]]
            case "window/showDocument":
                return {"success": True}
            case _:
                return None

    def _publish(self, params: Json) -> None:
        uri, version = params["uri"], params.get("version")
        if self.pulls:
            self.problems.append(f"published {uri} to a client that pulls")
        before = self.published.get(uri, (None, []))[0]
        if version is not None and before is not None and version < before:
            self.problems.append(f"published version {version} of {uri} after {before}")
        self.published[uri] = version, params["diagnostics"]
        self.counts["published"] += 1

    def _answered(self, message: Json) -> None:
        with self._changed:
            asked = self.asked.pop(message["id"], None)
            if asked is None:
                self.problems.append(f"an answer that nobody waits for: {message}")
                return
            self.slowest = max(self.slowest, time.monotonic() - asked.at)
            self.counts[f"answered {asked.method}"] += 1
            error = message.get("error")
            if error is not None:
                self.counts[f"error {error['code']}"] += 1
                modified = asked.uri is not None and self.edits[asked.uri] != asked.edits
                allowed = (error["code"] == CANCELLED and asked.is_cancelled) or (
                    error["code"] == MODIFIED and modified
                )
                if not allowed:
                    self.problems.append(f"{asked.method} on {asked.uri}: {error}")
            self._look_at_places(asked, message.get("result"))
            self.replies[message["id"]] = message
            self._changed.notify_all()

    def _look_at_places(self, asked: Asked, result: Any) -> None:
        """What an answer says of a document that was not edited since lies in it."""
        text = next((t for t in self._texts() if t.uri == asked.uri), None)
        if text is None or self.edits[text.uri] != asked.edits:
            return
        if isinstance(result, dict) and asked.method.endswith("semanticTokens/full"):
            result = list(token_ranges(result["data"]))
        for place in places(result):
            self.counts["places looked at"] += 1
            if not text.holds(place, self.encoding):
                self.problems.append(f"{asked.method} on {asked.uri}: {place} in {text.text!r}")


def _command_line(process: str) -> bytes:
    try:
        return Path(f"/proc/{process}/cmdline").read_bytes()
    except OSError:
        return b""
