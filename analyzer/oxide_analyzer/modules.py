"""Where the modules that a file imports lie. They are read, never imported.

`find` takes a module's name as the import statement has it: `pkg.ops`, or `..ops` with the dots
of a relative import.
"""

from __future__ import annotations

import io
import tokenize
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from oxide_analyzer.source import SourceFile

if TYPE_CHECKING:
    from collections.abc import Sequence

# The texts of so many modules are kept.
_MOST_KEPT = 1024


class Modules(Protocol):
    """What answers where an import leads."""

    def find(self, name: str, importer: SourceFile) -> SourceFile | None:
        """The source of module `name` as `importer` would import it, or None."""
        ...


class NoModules:
    """For a source that stands alone: standard input, a buffer without a file."""

    def find(self, name: str, importer: SourceFile) -> SourceFile | None:
        """Nothing is found."""
        del name, importer
        return None


class RecordedModules:
    """Other modules, and which of them a file asked for: those found by path, others by name.

    They are asked once for each name in each importer, which is known by its path: `asked` has
    the answers.
    """

    def __init__(self, modules: Modules) -> None:
        """Nothing was asked for yet."""
        self._modules = modules
        self.asked: dict[tuple[str, str], SourceFile | None] = {}
        self.found: dict[str, SourceFile] = {}
        self.missing: set[str] = set()

    def find(self, name: str, importer: SourceFile) -> SourceFile | None:
        """What the other modules answer."""
        question = importer.path, name
        if question in self.asked:
            return self.asked[question]
        found = self.asked[question] = self._modules.find(name, importer)
        if found is None:
            self.missing.add(name)
        else:
            self.found[found.path] = found
        return found


class ProjectModules:
    """Modules below root folders, the first root first, then in the importer's package root.

    A file is read again when it is another one, or its time or size changes.
    """

    def __init__(self, roots: Sequence[Path] = ()) -> None:
        self._roots = tuple(roots)

    def find(self, name: str, importer: SourceFile) -> SourceFile | None:
        """The source of module `name` as `importer` would import it, or None."""
        dotted = name.lstrip(".")
        level = len(name) - len(dotted)
        parts = dotted.split(".") if dotted else []
        if not all(part.isidentifier() for part in parts):
            return None
        if level:
            return self._below(_folder(importer, level), parts)
        for root in (*self._roots, package_root(Path(importer.path))):
            found = self._below(root, parts)
            if found is not None:
                return found
        return None

    def _below(self, folder: Path, parts: list[str]) -> SourceFile | None:
        place = folder.joinpath(*parts)
        # Without parts it is the folder itself that is imported from, which may be `.`.
        candidates = [place.with_suffix(".py")] if parts else []
        for candidate in (*candidates, place / "__init__.py"):
            found = self._read(candidate)
            if found is not None:
                return found
        return None

    def _read(self, path: Path) -> SourceFile | None:
        try:
            state = path.stat()
        except (OSError, ValueError):
            return None
        return _load(path, (state.st_dev, state.st_ino, state.st_mtime_ns, state.st_size))


def package_root(path: Path) -> Path:
    """The folder that holds the outermost package of a file: what a run of it can import."""
    folder = path.parent
    while (folder / "__init__.py").is_file() and folder != folder.parent:
        folder = folder.parent
    return folder


def _folder(importer: SourceFile, level: int) -> Path:
    """Where a relative import of so many dots starts."""
    folder = Path(importer.path).parent
    for _ in range(level - 1):
        folder = folder.parent if folder.name not in ("", "..") else folder / ".."
    return folder


@lru_cache(maxsize=_MOST_KEPT)
def _load(path: Path, state: tuple[int, int, int, int]) -> SourceFile | None:
    """The text of a file in this state as Python decodes source; None where it is not text.

    Many files import the same ones, and what is found for each is then one and the same.
    """
    del state
    try:
        content = path.read_bytes()
        encoding, _ = tokenize.detect_encoding(io.BytesIO(content).readline)
        return SourceFile(str(path), content.decode(encoding))
    except (OSError, SyntaxError, UnicodeDecodeError, LookupError):
        # What cannot be read has no names, which is what the importer is told.
        return None
