"""Keystroke to diagnostics: cheap findings, and all of them.

Starts the language server as an editor does and talks to it through its pipe. Each edit makes
or repairs a fault in the last kernel of the file, so each answer must differ from the one
before; a stale answer is an error, not a fast one. For the cheap findings the fault is a name
that nobody defined, for all of them a barrier that is missing.

    python benchmarks/editor_latency.py [FILE] [--edits N]

FILE is a file of kernels, by default all the examples as one. At its end the two kernels that
are edited are added.
"""

from __future__ import annotations

import argparse
import ast
import json
import subprocess
import sys
import threading
import time
from pathlib import Path
from queue import Empty, Queue
from tempfile import TemporaryDirectory
from typing import Any

ROOT = Path(__file__).parents[1]
WARM_UP = 5
TIMEOUT = 60.0

EDITED = """

@kernel(block=64)
def edited_cheap(a: Slice[f32], out: DisjointSlice[f32]):
    i = thread.index_1d()
    if i < len(a) and i < len(out):
        out[i] = a[i] + CHEAP


@kernel(block=64, requires=lambda out: len(out) >= grid_dim.x)
def edited_solved(a: Slice[f32], out: DisjointSlice[f32]):
    tile = SharedArray(f32, 64)
    tile[thread.x] = a[thread.index_1d()] if thread.index_1d() < len(a) else 0.0
    SOLVED
    if thread.x == 0:
        out[block.x] = tile[63]
"""
NAMES = "DisjointSlice, SharedArray, Slice, block, f32, grid_dim, kernel, sync_threads, thread"

# What replaces the word in the right and in the faulty state, and the code that tells them apart.
FAULTS = {
    "cheap": ("CHEAP", "1.0", "undefined_name", "OX004"),
    "all": ("SOLVED", "sync_threads()", "pass", "OX104"),
}


class Server:
    """The server's process; a thread reads what it says, with the time."""

    def __init__(self, folder: Path) -> None:
        self.started = time.perf_counter()
        self.process = subprocess.Popen(
            [sys.executable, "-m", "oxide_lsp", "--stdio"],
            cwd=folder,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
        )
        self.messages: Queue[tuple[float, dict[str, Any] | None]] = Queue()
        threading.Thread(target=self._read, daemon=True).start()

    def send(self, method: str, params: Any, number: int | None = None) -> None:
        """Send a notification, or a request if it has a number."""
        message: dict[str, Any] = {"jsonrpc": "2.0", "method": method, "params": params}
        if number is not None:
            message["id"] = number
        body = json.dumps(message).encode()
        assert self.process.stdin is not None
        self.process.stdin.write(b"Content-Length: %d\r\n\r\n%b" % (len(body), body))
        self.process.stdin.flush()

    def wait(self, wanted: Any) -> tuple[float, Any]:
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
            body = self.process.stdout.read(length)
            self.messages.put((time.perf_counter(), json.loads(body)))


def all_examples() -> str:
    """The kernels of the examples as one file, as long as a real one."""
    parts: list[str] = []
    imports: set[str] = {*NAMES.split(", ")}
    for path in sorted((ROOT / "examples").glob("*.py")):
        text = path.read_text(encoding="utf-8")
        lines = text.splitlines(keepends=True)
        for node in ast.parse(text).body:
            match node:
                case ast.ImportFrom(module="oxide", names=names):
                    imports |= {name.name for name in names}
                case ast.FunctionDef(name="main") | ast.If() | ast.Import() | ast.ImportFrom():
                    continue
                case ast.Expr():
                    continue
                case _:
                    decorators = getattr(node, "decorator_list", [])
                    first = decorators[0].lineno if decorators else node.lineno
                    parts.append("".join(lines[first - 1 : node.end_lineno]))
    head = f"import math\n\nfrom oxide import {', '.join(sorted(imports))}\n\n\n"
    return head + "\n\n".join(parts)


def open_file(folder: Path, text: str) -> tuple[Server, str, float]:
    """A server that has shown its first diagnostics, and how long that took."""
    server = Server(folder)
    path = folder / "kernels.py"
    path.write_text(text, encoding="utf-8")
    uri = path.as_uri()
    publish = {"versionSupport": True, "relatedInformation": True}
    capabilities = {"textDocument": {"publishDiagnostics": publish}}
    root = {"uri": folder.as_uri(), "name": "benchmark"}
    server.send(
        "initialize",
        {"processId": None, "rootUri": root["uri"], "workspaceFolders": [root],
         "capabilities": capabilities},
        1,
    )  # fmt: skip
    server.wait(lambda m: m.get("id") == 1)
    server.send("initialized", {})
    item = {"uri": uri, "languageId": "python", "version": 1, "text": text}
    server.send("textDocument/didOpen", {"textDocument": item})
    at, _ = server.wait(lambda m: m.get("method") == "textDocument/publishDiagnostics")
    return server, uri, at - server.started


def edit(server: Server, uri: str, version: int, text: str, code: str, *, faulty: bool) -> float:
    """Milliseconds from the edit to diagnostics of that version that have the code, or have not."""
    begin = time.perf_counter()
    server.send(
        "textDocument/didChange",
        {"textDocument": {"uri": uri, "version": version}, "contentChanges": [{"text": text}]},
    )

    def right(message: dict[str, Any]) -> bool:
        params = message.get("params", {})
        if params.get("version") != version:
            return False
        return faulty == any(d["code"] == code for d in params["diagnostics"])

    at, _ = server.wait(right)
    return (at - begin) * 1e3


def measure(kind: str, text: str, edits: int) -> tuple[list[float], float]:
    """The latencies of the edits of one kind, and the cold start in milliseconds."""
    word, good, bad, code = FAULTS[kind]
    other = next(fault for name, fault in FAULTS.items() if name != kind)
    text = text.replace(other[0], other[1])
    right, wrong = text.replace(word, good), text.replace(word, bad)
    times: list[float] = []
    with TemporaryDirectory() as folder:
        server, uri, cold = open_file(Path(folder), right)
        version = 1
        for number in range(edits + WARM_UP):
            faulty = number % 2 == 0
            version += 1
            time.sleep(0.1)
            took = edit(server, uri, version, wrong if faulty else right, code, faulty=faulty)
            if number >= WARM_UP:
                times.append(took)
        server.send("shutdown", None, 2)
        server.send("exit", None)
        server.process.wait(10)
    return times, cold * 1e3


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("file", nargs="?", type=Path)
    parser.add_argument("--edits", type=int, default=50)
    parser.add_argument("--only", choices=tuple(FAULTS), action="append")
    options = parser.parse_args()
    if options.file is None:
        text = all_examples() + EDITED
    else:
        text = f"{options.file.read_text(encoding='utf-8')}\n\nfrom oxide import {NAMES}{EDITED}"
    print(f"{text.count(chr(10))} lines, {text.count('@kernel')} kernels, {options.edits} edits")
    print("findings   median ms   p95 ms   max ms   start to first diagnostics, ms")
    for kind in options.only or FAULTS:
        times, cold = measure(kind, text, options.edits)
        times.sort()
        median, p95 = times[len(times) // 2], times[int(0.95 * (len(times) - 1))]
        print(f"{kind:<8} {median:>11.1f} {p95:>8.1f} {times[-1]:>8.1f} {cold:>20.0f}")


if __name__ == "__main__":
    main()
