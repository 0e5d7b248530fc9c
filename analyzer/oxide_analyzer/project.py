"""The files of a project: which are checked, and how their bytes become text.

The one part of the analyzer that reads the disk, beside the lookup of imported modules.
"""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import TYPE_CHECKING

from oxide_analyzer import gitignore
from oxide_analyzer.record import record
from oxide_analyzer.source import SourceFile

if TYPE_CHECKING:
    from collections.abc import Iterator

    from oxide_analyzer.configuration import Configuration
    from oxide_analyzer.diagnostics import Diagnostic
    from oxide_analyzer.gitignore import Pattern
    from oxide_analyzer.modules import ProjectModules

# Without one of these words a file has no kernel, whatever else it imports.
_WORDS = (b"oxide", b"numba", b"cuda.jit", b"cupyx")
_COOKIE = re.compile(rb"^[ \t\f]*#.*?coding[:=][ \t]*[-\w.]+", re.MULTILINE)
_BOM = b"\xef\xbb\xbf"


@record
class Undecodable:
    """A file whose bytes are not text in the encoding that it declares: why, and on which line."""

    path: str
    why: str
    line: int


def read(path: Path, shown: str | None = None) -> SourceFile | Undecodable | None:
    """The text of a file, None if it has none of the words that a kernel needs.

    `shown` is its path in messages, where that is not how `Path` writes it.
    """
    return decode(path.read_bytes(), str(path) if shown is None else shown)


def decode(content: bytes, path: str) -> SourceFile | Undecodable | None:
    """The text of the bytes of a file, decoded as Python decodes source."""
    if not any(word in content for word in _WORDS):
        return None
    encoding = "utf-8"
    body = content.removeprefix(_BOM)
    if body is content and _COOKIE.search(b"\n".join(content.split(b"\n", 2)[:2])):
        import io
        import tokenize

        try:
            encoding, _ = tokenize.detect_encoding(io.BytesIO(content).readline)
        except SyntaxError as error:
            return Undecodable(path, str(error), 1)
    try:
        return SourceFile(path, body.decode(encoding))
    except UnicodeDecodeError as error:
        line = body.count(b"\n", 0, error.start) + 1
        return Undecodable(path, f"byte 0x{body[error.start]:02x} is not {encoding}", line)


def syntax_error(file: Undecodable) -> Diagnostic:
    """What is said about a file that is not text."""
    from oxide_analyzer.rules.ox001_syntax_error import RULE
    from oxide_analyzer.source import Span

    span = Span(file.path, file.line, 1, file.line, 1)
    return RULE.diagnostic(span, f"the file cannot be decoded: {file.why}")


def modules(entry: Path | None, configuration: Configuration) -> ProjectModules:
    """Where the imports of a file are looked up; `entry` is None for standard input.

    First what `src` names, then the root of the package that the file belongs to, then what is
    installed beside the analyzer.
    """
    import sysconfig

    from oxide_analyzer.modules import ProjectModules, package_root

    installed = sysconfig.get_paths()
    roots = [configuration.root / name for name in configuration.src]
    roots.append(Path() if entry is None else package_root(entry))
    roots += [Path(installed["purelib"]), Path(installed["platlib"])]
    return ProjectModules(tuple(dict.fromkeys(roots)))


class Walk:
    """The Python files below folders, without what is excluded and what git ignores.

    Sorted, so that two machines check in one order. Symbolic links to folders are not followed,
    which leaves no loops.
    """

    def __init__(self, configuration: Configuration) -> None:
        """Start with what `configuration` excludes."""
        self._root = configuration.root
        self._excluded = gitignore.parse("\n".join(configuration.excluded()))
        self.notebooks = 0

    def excludes(self, path: Path) -> bool:
        """Whether a setting excludes this file, or a folder that it is in."""
        parts = self._inner(path.resolve()).split("/")
        return any(
            gitignore.ignored(self._excluded, "/".join(parts[:n]), n < len(parts))
            for n in range(1, len(parts) + 1)
        )

    def files(self, folder: Path) -> Iterator[Path]:
        """The files to check below `folder`; their paths begin with it, save `.`."""
        real = folder.resolve()
        yield from self._below(folder, real, _ancestors_ignores(real))

    def _below(self, shown: Path, real: Path, ignores: tuple[_Ignores, ...]) -> Iterator[Path]:
        if (real / ".git").exists():
            # A repository of its own: what is ignored outside does not reach into it.
            ignores = _repository_ignores(real)
        else:
            ignores = (*ignores, *_ignores_of(real))
        try:
            entries = sorted(os.scandir(real), key=lambda entry: entry.name)
        except OSError:
            # A folder that may not be listed holds nothing that could be checked.
            return
        for entry in entries:
            is_directory = entry.is_dir(follow_symlinks=False)
            if not is_directory and not entry.name.endswith((".py", ".ipynb")):
                continue
            path = real / entry.name
            if gitignore.ignored(self._excluded, self._inner(path), is_directory):
                continue
            if _git_ignored(ignores, path, is_directory):
                continue
            if is_directory:
                yield from self._below(shown / entry.name, path, ignores)
            elif entry.name.endswith(".ipynb"):
                self.notebooks += 1
            elif entry.is_file():
                yield shown / entry.name

    def _inner(self, path: Path) -> str:
        """From the project's folder, with slashes; a path outside of it by all its parts."""
        if path.is_relative_to(self._root):
            return path.relative_to(self._root).as_posix()
        return path.as_posix().lstrip("/")


@record
class _Ignores:
    """The patterns of one file, and the folder that they start from."""

    folder: Path
    patterns: tuple[Pattern, ...]


def _git_ignored(ignores: tuple[_Ignores, ...], path: Path, is_directory: bool) -> bool:
    for level in reversed(ignores):
        inner = path.relative_to(level.folder).as_posix()
        verdict = gitignore.ignored(level.patterns, inner, is_directory)
        if verdict is not None:
            return verdict
    return False


def _ancestors_ignores(folder: Path) -> tuple[_Ignores, ...]:
    """Of the folders from the repository's to the one above `folder`; none outside of one."""
    above: list[Path] = []
    for parent in folder.parents:
        above.append(parent)
        if (parent / ".git").exists():
            root, *inner = reversed(above)
            found = list(_repository_ignores(root))
            for step in inner:
                found += _ignores_of(step)
            return tuple(found)
    return ()


def _repository_ignores(root: Path) -> tuple[_Ignores, ...]:
    return (*_ignores_file(root / ".git" / "info" / "exclude", root), *_ignores_of(root))


def _ignores_of(folder: Path) -> tuple[_Ignores, ...]:
    return _ignores_file(folder / ".gitignore", folder)


def _ignores_file(file: Path, folder: Path) -> tuple[_Ignores, ...]:
    try:
        text = file.read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ()
    patterns = gitignore.parse(text)
    return (_Ignores(folder, patterns),) if patterns else ()
