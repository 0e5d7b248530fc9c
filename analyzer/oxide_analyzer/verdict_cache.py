"""Verdicts that are known already: of whole files and kernels, and of questions to the solver.

    cache = verdict_cache.open_folder(Path(".oxide_cache"))       on disk, for the command line
    cache = verdict_cache.Cache()                                 in memory, for a server
    report = analysis.check(source, modules, cache.check_kernel)  instead of `check_kernel`
    cache.flush()                                                 after each file, say

A *kernel* is known by its IR with all places (`encoding.canonical`), which is all that a report
is made of: helpers, constants and contracts are resolved in it. Its report comes back as it was,
but without the IR and the proof that the compiler wants: what is loaded is always proved anew.

A *file* is known by its text and by all that was looked up for it: see `known_files`.

A *question* is known by the text that the solver gets, with all that its answer depends on. In
it variables are numbered as they occur, so it survives edits elsewhere in the file, and what the
variables happen to be called. Only contradictions are kept, with the steps that they took: who
finds one here has spent as much as who asks, so that a kernel whose budget ends is judged alike.

A key begins with the versions of analyzer, Python and solver; what was `stopped` is not kept.

The file is text that is only ever appended to, in one write for all that is new, so processes
may share it. Each line carries a checksum: of what a crash left unfinished, or what is no such
file at all, nothing is believed. When it grows too large, the older half makes room.
"""

from __future__ import annotations

import os
import sys
from collections import OrderedDict
from contextlib import contextmanager, suppress
from contextvars import ContextVar
from dataclasses import replace
from functools import cache
from hashlib import sha256
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING
from zlib import crc32

from oxide_analyzer import deadline, encoding

if TYPE_CHECKING:
    from collections.abc import Callable, Generator

    from oxide_analyzer.ir.kernel import Kernel
    from oxide_analyzer.report import KernelReport

FILE = "verdicts.txt"
_MOST_BYTES = 32 << 20
_MOST_REMEMBERED = 4096
_KEY = 32  # hexadecimal digits, half of a SHA-256
_CHECKSUM = 8


class Cache:
    """Verdicts in memory, the least recently used of which are forgotten."""

    def __init__(self, most: int = _MOST_REMEMBERED) -> None:
        """Nothing is known yet."""
        self._texts: OrderedDict[str, str] = OrderedDict()
        self._most = most

    def check_kernel(self, kernel: Kernel) -> KernelReport:
        """The report about a kernel: the one that is known, or a new one, which is then known."""
        from oxide_analyzer import analysis

        return self._report(kernel, kernel_key(kernel), analysis.check_kernel)

    def check_kernel_to_show(self, kernel: Kernel) -> KernelReport:
        """The same with what an editor shows; what is known has its IR, and promises its proof."""
        from oxide_analyzer import analysis

        key = kernel_key(kernel, "shown kernel")
        report = self._report(kernel, key, analysis.check_kernel_to_show, promises=True)
        return report if report.kernel is not None else replace(report, kernel=kernel)

    def _report(
        self,
        kernel: Kernel,
        key: str | None,
        check: Callable[[Kernel], KernelReport],
        *,
        promises: bool = False,
    ) -> KernelReport:
        if key is not None:
            text = self.get(key)
            if text is not None:
                with suppress(ValueError):
                    return encoding.load(text)
        with used(self):
            report = check(kernel)
        if key is not None and not any(deadline.is_stop(d.reason) for d in report.diagnostics):
            promised = key if promises and report.compiles else ""
            kept = replace(report, kernel=None, checked=None, promised=promised)
            with suppress(TypeError):
                self.put(key, encoding.dump(kept))
        return report

    def get(self, key: str) -> str | None:
        """What is known under a key."""
        text = self._texts.get(key)
        if text is not None:
            self._texts.move_to_end(key)
        return text

    def put(self, key: str, text: str) -> None:
        """Remember a text of one line."""
        self._texts[key] = text
        if len(self._texts) > self._most:
            self._texts.popitem(last=False)

    def flush(self, *, makes_folder: bool = True) -> None:
        """Write what is new to where it is kept, or wait until something makes that folder."""


class _OnDisk(Cache):
    """The same, with a file behind it."""

    def __init__(self, file: Path, most_bytes: int) -> None:
        super().__init__()
        self._file = file
        self._most_bytes = most_bytes
        self._lines: dict[str, bytes] = {}
        self._new: list[bytes] = []
        with suppress(OSError):
            self._read(file.read_bytes())

    def _read(self, content: bytes) -> None:
        lines = content.split(b"\n")
        # The last part is empty, or what somebody is just writing.
        for line in lines[:-1]:
            self._lines[line[:_KEY].decode("ascii", "replace")] = line
        if len(content) > self._most_bytes:
            self._shrink()

    def _shrink(self) -> None:
        """Keep the younger half."""
        kept: list[bytes] = []
        size = 0
        for line in reversed(self._lines.values()):
            size += len(line) + 1
            if size > self._most_bytes // 2:
                break
            kept.append(line)
        other = self._file.with_name(f"{FILE}.{os.getpid()}")
        with suppress(OSError):
            other.write_bytes(b"".join(line + b"\n" for line in reversed(kept)))
            other.replace(self._file)

    def get(self, key: str) -> str | None:
        text = super().get(key)
        if text is None:
            line = self._lines.get(key)
            if line is not None:
                text = _text_of(line)
        return text

    def put(self, key: str, text: str) -> None:
        super().put(key, text)
        self._new.append(_line_of(key, text))

    def flush(self, *, makes_folder: bool = True) -> None:
        if not self._new or not (makes_folder or self._file.parent.is_dir()):
            return
        new, self._new = b"".join(self._new), []
        # A cache that cannot be written is one that stays empty.
        with suppress(OSError):
            _prepare(self._file.parent)
            with self._file.open("ab", buffering=0) as file:
                file.write(new)


def open_folder(folder: Path, most_bytes: int = _MOST_BYTES) -> Cache:
    """The cache of a folder, which need not be there yet; `most_bytes` is its size on disk."""
    return _OnDisk(folder / FILE, most_bytes)


def folder(root: Path, configured: str | None = None) -> Path:
    """Where the verdicts of a project are kept: `OXIDE_CACHE_DIR`, its settings, or below it."""
    chosen = os.environ.get("OXIDE_CACHE_DIR") or configured
    return root / (chosen or ".oxide_cache")


def _prepare(folder: Path) -> None:
    """Make a folder that version control and backups leave alone."""
    if folder.is_dir():
        return
    folder.mkdir(parents=True, exist_ok=True)
    (folder / ".gitignore").write_text("# Made by oxide-check.\n*\n", encoding="utf-8")
    tag = "Signature: 8a477f597d28d172789f06886806bc55\n# Made by oxide-check.\n"
    (folder / "CACHEDIR.TAG").write_text(tag, encoding="utf-8")


def _line_of(key: str, text: str) -> bytes:
    content = text.encode("utf-8", "surrogatepass")
    return f"{key}{crc32(content):08x}".encode() + content + b"\n"


def _text_of(line: bytes) -> str | None:
    content = line[_KEY + _CHECKSUM :]
    if line[_KEY : _KEY + _CHECKSUM] != f"{crc32(content):08x}".encode():
        return None
    return content.decode("utf-8", "surrogatepass")


# ---------------------------------------------------------------- keys


def kernel_key(kernel: Kernel, what: str = "kernel") -> str | None:
    """What stands for a kernel and all that its report depends on; None if nothing does."""
    try:
        return _key(what, encoding.canonical(kernel, kernel.span.path), kernel.span.path)
    except (TypeError, RecursionError):
        return None


def file_key(path: str, digest: str) -> str:
    """What stands for a file of which everything is to be known, by its path and content."""
    return _key("file", path, digest)


def question_key(text: str) -> str:
    """What stands for a question to the solver, given as a text that says all about it."""
    return _key("question", text)


def _key(*parts: str) -> str:
    return sha256("\0".join((versions(), *parts)).encode("utf-8", "surrogatepass")).hexdigest()[
        :_KEY
    ]


@cache
def versions() -> str:
    """What verdicts depend on besides what is asked: analyzer, Python and solver, as they are.

    The analyzer is known by its files, since a version number says nothing while it is changed.
    """
    found = [f"python {sys.version_info[0]}.{sys.version_info[1]}"]
    here = Path(__file__).parent
    found.extend(_state(file, here) for file in sorted(here.rglob("*.py")))
    solver = find_spec("z3")
    for place in (solver.submodule_search_locations or ()) if solver is not None else ():
        found.extend(_state(file, Path(place)) for file in sorted(Path(place, "lib").glob("*z3*")))
    return sha256("\n".join(found).encode()).hexdigest()


def _state(file: Path, below: Path) -> str:
    status = file.stat()
    return f"{file.relative_to(below).as_posix()} {status.st_size} {status.st_mtime_ns}"


# ---------------------------------------------------------------- the solver's answers

_current: ContextVar[Cache | None] = ContextVar("verdict_cache", default=None)


@contextmanager
def used(cache: Cache) -> Generator[None]:
    """Let the solver's answers be looked up in a cache, and be kept there."""
    before = _current.set(cache)
    try:
        yield
    finally:
        _current.reset(before)


def contradiction(question: str) -> int | None:
    """The steps that it took to find that a question contradicts itself; None if unknown.

    The empty question stands for one that cannot be told from others.
    """
    if not question or (cache := _current.get()) is None:
        return None
    text = cache.get(question_key(question))
    return int(text) if text is not None and text.isdecimal() else None


def remember_contradiction(question: str, steps: int) -> None:
    """Keep that a question contradicts itself."""
    if question and (cache := _current.get()) is not None:
        cache.put(question_key(question), str(steps))


def is_used() -> bool:
    """Whether the solver's answers are kept anywhere."""
    return _current.get() is not None
