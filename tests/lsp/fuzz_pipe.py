"""The pipe between the fuzz and its server: messages, and the requests that wait for answers."""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import sys
import threading
import time
from collections import Counter
from pathlib import Path
from typing import Any

from lsp.fuzz_texts import Asked, Json, Wrong

ROOT = Path(__file__).parents[2]
SERVER = (sys.executable, "-m", "oxide_lsp", "--stdio")


class Pipe:
    """A server's process; a thread reads what it says."""

    patience = 60.0

    def __init__(self) -> None:
        """It is not started yet."""
        self.asked: dict[int, Asked] = {}
        self.replies: dict[int, Json] = {}
        self.edits: Counter[str] = Counter()
        self.problems: list[str] = []
        self._ids = iter(range(1, 10**9))
        self._changed = threading.Condition()
        self._writing = threading.Lock()

    def _take(self, message: Json) -> None:
        raise NotImplementedError

    def _spawn(self, folder: Path) -> None:
        paths = os.pathsep.join(str(ROOT / name) for name in ("", "analyzer", "codegen"))
        self.process = subprocess.Popen(
            SERVER,
            cwd=folder,
            env={**os.environ, "PYTHONPATH": paths, "PYTHONFAULTHANDLER": "1"},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )
        self.log = b""
        targets = (self._read, self._read_log)
        self._threads = [threading.Thread(target=target, daemon=True) for target in targets]
        for thread in self._threads:
            thread.start()

    def _end(self) -> None:
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()
        for thread in self._threads:
            thread.join(10)
        for pipe in (self.process.stdin, self.process.stdout, self.process.stderr):
            assert pipe is not None
            with contextlib.suppress(OSError):
                pipe.close()

    def _notify(self, method: str, params: Any) -> None:
        self._send({"jsonrpc": "2.0", "method": method, "params": params})

    def _ask(self, method: str, params: Any, uri: str | None = None, *, keep: bool = False) -> int:
        number = next(self._ids)
        edits = self.edits[uri] if uri is not None else 0
        with self._changed:
            self.asked[number] = Asked(method, uri, time.monotonic(), edits=edits)
        self._send({"jsonrpc": "2.0", "id": number, "method": method, "params": params})
        return number

    def _reply(self, number: int) -> Any:
        end = time.monotonic() + self.patience
        with self._changed:
            while number not in self.replies:
                if time.monotonic() > end or self.process.poll() is not None:
                    method = self.asked[number].method
                    raise Wrong(f"no answer to {method}; the log:\n{self.log.decode()[-2000:]}")
                self._changed.wait(1.0)
            reply = self.replies.pop(number)
        if "error" in reply:
            raise Wrong(f"an error: {reply['error']}; the log:\n{self.log.decode()[-2000:]}")
        if isinstance(reply["result"], dict) and "capabilities" in reply["result"]:
            self.capabilities: Json = reply["result"]["capabilities"]
        return reply["result"]

    def _send(self, message: Json) -> None:
        body = json.dumps(message).encode()
        assert self.process.stdin is not None
        with self._writing:
            self.process.stdin.write(b"Content-Length: %d\r\n\r\n%b" % (len(body), body))
            self.process.stdin.flush()

    def _read(self) -> None:
        pipe = self.process.stdout
        assert pipe is not None
        while True:
            length = 0
            while (line := pipe.readline()).strip():
                if line.lower().startswith(b"content-length:"):
                    length = int(line.split(b":")[1])
            if not line:
                return
            try:
                self._take(json.loads(pipe.read(length)))
            except (OSError, ValueError) as error:
                self.problems.append(f"the pipe is broken: {error}")
                return

    def _read_log(self) -> None:
        assert self.process.stderr is not None
        for line in self.process.stderr:
            self.log += line
