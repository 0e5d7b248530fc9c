"""Machine code that is known already, in a folder: one file for each thing that was compiled.

    <folder>/compiled/3f/3f9a…c1        what was compiled, behind a checksum over its key and itself

A file is written beside its place and moved there, so whoever reads sees all of it or none,
however many processes write and whenever one of them dies. What fails its checksum counts as
not being there, and so does what cannot be read: compiling again is always right. The files
that were used longest ago go first when the folder grows beyond its bound.

Only code is kept, never a verdict: who asks has proved the kernel in this process, and the key
says what was proved (`compiled.py`). The checksum finds damage, not malice: who can write to the
folder can run code as its owner, as with `__pycache__`.

`OXIDE_CACHE_DIR` names the folder, by default the user's for caches; `OXIDE_CACHE_SIZE` its
bound in MiB, where 0 turns the cache off. Without a folder nothing is kept.
"""

from __future__ import annotations

import os
import re
import sys
import time
from contextlib import suppress
from dataclasses import dataclass, field
from hashlib import sha256
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING

from oxide_analyzer.record import record

if TYPE_CHECKING:
    from collections.abc import Iterator

_MAGIC = b"OXC1"
_HEAD = len(_MAGIC) + 32
_DEFAULT_MIB = 256
_FOLDER = "compiled"
_TEMPORARY = ".new"
# Only what is named like an entry is ever counted or deleted.
_PART = re.compile(r"[0-9a-f]{2}")
_FILE = re.compile(r"[0-9a-f]{64}(\.\d+\.\d+\.new)?")

# A bound is kept by looking at all files, which takes longer than writing one.
_WRITES_BETWEEN_SWEEPS = 64
# What a sweep leaves, so that the next write is not followed by another one.
_LEFT = 0.8
# A use is noted by touching the file, but not more often than this.
_TOUCH_SECONDS = 600
# Nobody takes so long to write a file: its writer has died.
_ABANDONED_SECONDS = 3600


@record
class Usage:
    """How many entries a cache has, and how many bytes they take."""

    entries: int
    size: int


@dataclass(slots=True)
class CodeCache:
    """Bytes by key, in a folder that need not be there yet; `most` bounds their sum."""

    folder: Path
    most: int
    _writes: Iterator[int] = field(default_factory=count)

    def get(self, key: str) -> bytes | None:
        """What was kept under a key; None if nothing was, or if it is damaged."""
        path = self._path(key)
        try:
            content = path.read_bytes()
        except OSError:
            return None
        payload = content[_HEAD:]
        if content[:_HEAD] != _head(key, payload):
            return None
        with suppress(OSError):
            if time.time() - path.stat().st_mtime > _TOUCH_SECONDS:
                os.utime(path)
        return payload

    def put(self, key: str, payload: bytes) -> None:
        """Keep bytes under a key. A cache that cannot be written is one that stays empty."""
        path = self._path(key)
        number = next(self._writes)
        new = path.with_name(f"{path.name}.{os.getpid()}.{number}{_TEMPORARY}")
        try:
            # What is in here is run, so nobody else may write to it.
            self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            path.parent.mkdir(mode=0o700, exist_ok=True)
            new.write_bytes(_head(key, payload) + payload)
            new.replace(path)
        except OSError:
            with suppress(OSError):
                new.unlink(missing_ok=True)
            return
        if number % _WRITES_BETWEEN_SWEEPS == 0:
            self.sweep()

    def sweep(self) -> None:
        """Delete what was used longest ago, until the rest keeps the bound."""
        files = sorted(self._files(), key=lambda file: file.used)
        now, size = time.time(), 0
        for file in files:
            if file.is_temporary:
                if now - file.used > _ABANDONED_SECONDS:
                    _delete(file.path)
            else:
                size += file.size
        if size <= self.most:
            return
        for file in files:
            if size <= self.most * _LEFT:
                return
            if not file.is_temporary and _delete(file.path):
                size -= file.size

    def clear(self) -> Usage:
        """Delete everything; what was there."""
        usage = self.usage()
        for file in self._files():
            _delete(file.path)
        for part in self._parts():
            with suppress(OSError):
                part.rmdir()
        return usage

    def usage(self) -> Usage:
        """How much is kept."""
        sizes = [file.size for file in self._files() if not file.is_temporary]
        return Usage(len(sizes), sum(sizes))

    def _path(self, key: str) -> Path:
        return self.folder / key[:2] / key

    def _parts(self) -> list[Path]:
        try:
            entries = list(os.scandir(self.folder))
        except OSError:
            return []
        return [Path(e.path) for e in entries if _PART.fullmatch(e.name) and e.is_dir()]

    def _files(self) -> Iterator[_File]:
        for part in self._parts():
            # Other processes write and delete meanwhile.
            with suppress(OSError):
                for entry in os.scandir(part):
                    if not _FILE.fullmatch(entry.name):
                        continue
                    with suppress(OSError):
                        status = entry.stat(follow_symlinks=False)
                        temporary = entry.name.endswith(_TEMPORARY)
                        yield _File(Path(entry.path), status.st_size, status.st_mtime, temporary)


@record
class _File:
    path: Path
    size: int
    used: float
    is_temporary: bool


def code_cache() -> CodeCache | None:
    """The cache that the environment asks for; None if it is off, or there is no place for one."""
    return opened() if bound() else None


def opened() -> CodeCache | None:
    """The cache, even if it is turned off; None if there is no place for one."""
    folder = place()
    return None if folder is None else CodeCache(folder / _FOLDER, bound())


def place() -> Path | None:
    """The folder of the user's cache: `OXIDE_CACHE_DIR`, or where the system has caches.

    None for a user without a home, as in many containers.
    """
    try:
        return _place()
    except RuntimeError:
        return None


def _place() -> Path:
    chosen = os.environ.get("OXIDE_CACHE_DIR")
    if chosen:
        return Path(chosen).expanduser().absolute()
    if sys.platform == "win32":
        return Path(os.environ.get("LOCALAPPDATA") or Path.home() / "AppData/Local") / "oxide/cache"
    if sys.platform == "darwin":
        return Path.home() / "Library/Caches/oxide"
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "oxide"


def bound() -> int:
    """The bound in bytes; what is no number means the default."""
    text = os.environ.get("OXIDE_CACHE_SIZE", "")
    return (int(text) if text.isascii() and text.isdigit() else _DEFAULT_MIB) << 20


def _head(key: str, payload: bytes) -> bytes:
    """What stands before a payload: a file that was renamed or cut off does not have it."""
    return _MAGIC + sha256(key.encode() + b"\0" + payload).digest()


def _delete(path: Path) -> bool:
    try:
        path.unlink(missing_ok=True)
    except OSError:
        return False
    return True
