"""A language server as an editor runs it, and how long its answers take."""

from __future__ import annotations

import json
import os
import subprocess
import threading
import time
from pathlib import Path
from queue import Empty, Queue
from typing import TYPE_CHECKING, Any

from machine_record import byte_code_kept

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

Json = dict[str, Any]

TIMEOUT = 60.0


class Server:
    """The server's process; a thread reads what it says, with the time."""

    def __init__(self, command: Sequence[str], folder: Path, *, pull: bool) -> None:
        """Start it, and introduce a client that pulls or does not."""
        self.started = time.perf_counter()
        self.pull = pull
        self.process = subprocess.Popen(
            command,
            cwd=folder,
            env=byte_code_kept(),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
        )
        self.messages: Queue[tuple[float, Json | None]] = Queue()
        self._numbers = iter(range(1, 10**9))
        threading.Thread(target=self._read, daemon=True).start()
        document: Json = {
            "publishDiagnostics": {"versionSupport": True, "relatedInformation": True}
        }
        if pull:
            # One of the servers pulls only from who says this.
            document["diagnostic"] = {"dynamicRegistration": True}
        capabilities = {
            "textDocument": document,
            "workspace": {"diagnostics": {"refreshSupport": True}},
        }
        root = {"uri": folder.as_uri(), "name": "benchmark"}
        self.ask(
            "initialize",
            {
                "processId": os.getpid(),
                "rootUri": root["uri"],
                "workspaceFolders": [root],
                "capabilities": capabilities,
            },
        )
        self.send("initialized", {})

    def send(self, method: str, params: Any, number: int | None = None) -> None:
        """Send a notification, or a request if it has a number."""
        message: Json = {"jsonrpc": "2.0", "method": method, "params": params}
        if number is not None:
            message["id"] = number
        self._write(message)

    def ask(self, method: str, params: Any) -> tuple[float, Any]:
        """When the answer to a request came, and what it is; an error that says so is repeated."""
        while True:
            number = next(self._numbers)
            self.send(method, params, number)
            at, reply = self.wait(lambda m, n=number: m.get("id") == n and "method" not in m)
            if "result" in reply:
                return at, reply["result"]

    def wait(self, wanted: Callable[[Json], bool]) -> tuple[float, Any]:
        """When the first wanted message came, and what it says."""
        end = time.perf_counter() + TIMEOUT
        while True:
            try:
                at, message = self.messages.get(timeout=max(0.01, end - time.perf_counter()))
            except Empty:
                raise SystemExit("the server does not answer") from None
            if message is None:
                raise SystemExit("the server has ended")
            if wanted(message):
                return at, message

    def open(self, path: Path, text: str) -> str:
        """Open a file; its URI."""
        path.write_text(text, encoding="utf-8")
        item = {"uri": path.as_uri(), "languageId": "python", "version": 1, "text": text}
        self.send("textDocument/didOpen", {"textDocument": item})
        return path.as_uri()

    def change(self, uri: str, version: int, text: str) -> float:
        """Send a whole new text, and say when."""
        begin = time.perf_counter()
        document = {"uri": uri, "version": version}
        change = {"textDocument": document, "contentChanges": [{"text": text}]}
        self.send("textDocument/didChange", change)
        return begin

    def shown(self, uri: str, right: Callable[[list[Json]], bool]) -> float:
        """When the diagnostics of a file were right for the first time from now on."""
        if not self.pull:
            at, _ = self.wait(
                lambda m: (
                    m.get("method") == "textDocument/publishDiagnostics"
                    and m["params"]["uri"] == uri
                    and right(m["params"]["diagnostics"])
                )
            )
            return at
        while True:
            at, report = self.ask("textDocument/diagnostic", {"textDocument": {"uri": uri}})
            if right(report.get("items", [])):
                return at
            # Whoever has a client that is told to ask again need not be asked all the time.
            self.wait(lambda m: m.get("method") == "workspace/diagnostic/refresh")

    def memory(self) -> float:
        """MiB that the process and its children hold, 0 where that is not counted."""
        pages = 0
        for pid in _family(self.process.pid):
            try:
                pages += int(Path(f"/proc/{pid}/statm").read_text(encoding="ascii").split()[1])
            except OSError:
                continue
        return pages * os.sysconf("SC_PAGE_SIZE") / 2**20 if pages else 0.0

    def stop(self) -> None:
        """Say goodbye as an editor does."""
        self.ask("shutdown", None)
        self.send("exit", None)
        try:
            self.process.wait(10)
        except subprocess.TimeoutExpired:
            self.process.kill()

    def _write(self, message: Json) -> None:
        body = json.dumps(message).encode()
        assert self.process.stdin is not None
        self.process.stdin.write(b"Content-Length: %d\r\n\r\n%b" % (len(body), body))
        self.process.stdin.flush()

    def _read(self) -> None:
        assert self.process.stdout is not None
        while True:
            length = 0
            while (line := self.process.stdout.readline()).strip():
                if line.lower().startswith(b"content-length:"):
                    length = int(line.split(b":")[1])
            if not line:
                self.messages.put((time.perf_counter(), None))
                return
            message = json.loads(self.process.stdout.read(length))
            at = time.perf_counter()
            if "method" in message and "id" in message:
                items = (message.get("params") or {}).get("items", [])
                settings = message["method"] == "workspace/configuration"
                result = [None for _ in items] if settings else None
                self._write({"jsonrpc": "2.0", "id": message["id"], "result": result})
            self.messages.put((at, message))


def _family(pid: int) -> list[int]:
    """A process and all that it started."""
    found = [pid]
    for parent in found:
        children = Path(f"/proc/{parent}/task/{parent}/children")
        if children.exists():
            found += map(int, children.read_text(encoding="ascii").split())
    return found
