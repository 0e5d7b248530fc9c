"""Keystroke to diagnostics: cheap findings, and all of them.

Starts the language server as an editor does and talks to it through its pipe. Each edit makes
or repairs a fault in the last kernel of the file, so each answer must differ from the one
before; a stale answer is an error, not a fast one. For the cheap findings the fault is a name
that nobody defined, for all of them a barrier that is missing. No text comes twice, so nothing
remembered about an older version answers for a newer one.

    python benchmarks/editor_latency.py [FILE] [--edits N]

FILE is a file of kernels, by default all the examples as one. At its end the two kernels that
are edited are added. Writes `benchmarks/results/editor_latency.json`.
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

sys.path.insert(0, str(Path(__file__).resolve().parent))

from machine_record import ROOT, byte_code_kept, load, write

WARM_UP = 5
STARTS = 5
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

# What replaces the word in the right and in the faulty state, with the number of the version, and
# the code that tells them apart.
FAULTS = {
    "cheap": ("CHEAP", "{0}.0", "undefined_{0}", "OX004"),
    "all": ("SOLVED", "sync_threads()  # {0}", "pass  # {0}", "OX104"),
}


class Server:
    """The server's process; a thread reads what it says, with the time."""

    def __init__(self, folder: Path) -> None:
        self.started = time.perf_counter()
        self.process = subprocess.Popen(
            [sys.executable, "-m", "oxide_lsp", "--stdio"],
            cwd=folder,
            env=byte_code_kept(),
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


def stop(server: Server) -> None:
    """Say goodbye as an editor does."""
    server.send("shutdown", None, 2)
    server.send("exit", None)
    server.process.wait(10)


def measure_starts(text: str) -> tuple[list[float], list[float]]:
    """Milliseconds from the start of a server to its first diagnostics, and to all of them.

    The file has the fault of either kind: the first diagnostics show one, all show both.
    """
    for word, _, fault, _ in FAULTS.values():
        text = text.replace(word, fault.format(1))
    firsts: list[float] = []
    alls: list[float] = []
    solved = FAULTS["all"][-1]
    for _ in range(STARTS + 1):
        with TemporaryDirectory() as folder:
            server, _, first = open_file(Path(folder), text)
            at, _ = server.wait(
                lambda m: any(
                    d["code"] == solved for d in m.get("params", {}).get("diagnostics", ())
                )
            )
            firsts.append(first * 1e3)
            alls.append((at - server.started) * 1e3)
            stop(server)
    # The first start may have to write byte code and to fill the disk's cache.
    return firsts[1:], alls[1:]


def measure(kind: str, text: str, edits: int) -> list[float]:
    """The latencies of the edits of one kind in milliseconds."""
    word, good, bad, code = FAULTS[kind]
    other = next(fault for name, fault in FAULTS.items() if name != kind)
    text = text.replace(other[0], other[1].format(1))
    times: list[float] = []
    with TemporaryDirectory() as folder:
        server, uri, _ = open_file(Path(folder), text.replace(word, good.format(1)))
        version = 1
        for number in range(edits + WARM_UP):
            faulty = number % 2 == 0
            version += 1
            time.sleep(0.1)
            edited = text.replace(word, (bad if faulty else good).format(version))
            took = edit(server, uri, version, edited, code, faulty=faulty)
            if number >= WARM_UP:
                times.append(took)
        stop(server)
    return times


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("file", nargs="?", type=Path)
    parser.add_argument("--edits", type=int, default=50)
    options = parser.parse_args()
    started = time.perf_counter()
    if options.file is None:
        text = all_examples() + EDITED
    else:
        text = f"{options.file.read_text(encoding='utf-8')}\n\nfrom oxide import {NAMES}{EDITED}"
    lines, kernels = text.count("\n"), text.count("@kernel")
    figures: dict[str, object] = {
        "lines": lines,
        "kernels": kernels,
        "edits": options.edits,
        "starts": STARTS,
        "load_before": load(),
    }
    print(f"{lines} lines, {kernels} kernels, {options.edits} edits")
    print("                         median ms   p95 ms   max ms")
    rows = {f"keystroke to {kind}": measure(kind, text, options.edits) for kind in FAULTS}
    rows["start to cheap"], rows["start to all"] = measure_starts(text)
    for title, times in rows.items():
        times.sort()
        median, p95 = times[len(times) // 2], times[int(0.95 * (len(times) - 1))]
        print(f"{title:<22} {median:>11.1f} {p95:>8.1f} {times[-1]:>8.1f}")
        figures[title] = {
            "median_ms": round(median, 1),
            "p95_ms": round(p95, 1),
            "worst_ms": round(times[-1], 1),
        }
    print(f"\n{write('editor_latency', figures, started).relative_to(ROOT)}")


if __name__ == "__main__":
    main()
