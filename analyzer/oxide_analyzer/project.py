"""The files of a project: which are checked, and how their bytes become text.

The one part of the analyzer that reads the disk, beside the lookup of imported modules.
"""

from __future__ import annotations

import os
import re
import stat
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
    from oxide_analyzer.notebooks.file import NotebookFile

# Without one of these words a file has no kernel, whatever else it imports.
_WORDS = (b"oxide", b"numba", b"cuda.jit", b"cupyx")
_COOKIE = re.compile(rb"^[ \t\f]*#.*?coding[:=][ \t]*[-\w.]+", re.MULTILINE)
_BOM = b"\xef\xbb\xbf"

LARGEST = 4_000_000
"""So many bytes of a file are read: Python's parser takes 300 times as much memory."""

LARGEST_NOTEBOOK = 100_000_000
"""So many bytes of a notebook, most of which are pictures."""

_NOTEBOOK = ".ipynb"


@record
class Undecodable:
    """A file whose bytes are not text in the encoding that it declares: why, and on which line."""

    path: str
    why: str
    line: int


@record
class Unreadable:
    """A file that the system does not let one read, or that is not what its name says, and why."""

    path: str
    why: str
    line: int = 1


def read(path: Path, shown: str | None = None) -> SourceFile | Undecodable | Unreadable | None:
    """The text of a file, None if it has none of the words that a kernel needs.

    Of a notebook it is that of its code cells.

    `shown` is its path in messages, where that is not how `Path` writes it. Raises `OSError`.
    """
    name = str(path) if shown is None else shown
    found = content(path)
    if not is_notebook(name):
        return decode(found, name)
    notebook = read_notebook(found, name) if has_words(found) else None
    if notebook is None or isinstance(notebook, Unreadable):
        return notebook
    return notebook.notebook.source


def is_notebook(path: str) -> bool:
    """Whether a file of this name is a notebook."""
    return path.endswith(_NOTEBOOK)


def read_notebook(content: bytes, path: str) -> NotebookFile | Unreadable:
    """The notebook that the bytes of a file are."""
    from oxide_analyzer.notebooks.file import BrokenNotebook, decode

    try:
        return decode(content.decode("utf-8"), path)
    except BrokenNotebook as error:
        return Unreadable(path, f"it {error}", error.line)
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        return Unreadable(path, f"byte 0x{content[error.start]:02x} is not utf-8", line)


def content(path: Path) -> bytes:
    """The bytes of a file or pipe; raises `OSError`.

    A pipe that nobody writes to is empty, and a device is not read at all: neither keeps one
    waiting forever.
    """
    mode = path.stat().st_mode
    if stat.S_ISREG(mode):
        return path.read_bytes()
    if not stat.S_ISFIFO(mode):
        raise OSError(None, "not a regular file")
    descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK)
    with open(descriptor, "rb") as pipe:  # noqa: PTH123
        # Opening waits for nobody; what a writer is still to write is waited for.
        os.set_blocking(descriptor, True)
        return pipe.read()


def has_words(content: bytes) -> bool:
    """Whether there may be a kernel in a file of this content."""
    return any(word in content for word in _WORDS)


def decode(content: bytes, path: str) -> SourceFile | Undecodable | None:
    """The text of the bytes of a file, None if it has none of the words that a kernel needs."""
    return text(content, path) if has_words(content) else None


def text(content: bytes, path: str) -> SourceFile | Undecodable:
    """The text of the bytes of a file, decoded as Python decodes source."""
    try:
        encoding = encoding_of(content)
    except SyntaxError as error:
        return Undecodable(path, str(error), 1)
    body = content.removeprefix(_BOM)
    try:
        return SourceFile(path, body.decode(encoding))
    except UnicodeDecodeError as error:
        line = body.count(b"\n", 0, error.start) + 1
        return Undecodable(path, f"byte 0x{body[error.start]:02x} is not {encoding}", line)


def encoding_of(content: bytes) -> str:
    """The encoding that the bytes of a file declare; raises `SyntaxError` if there is none such."""
    if content.startswith(_BOM) or not _COOKIE.search(b"\n".join(content.split(b"\n", 2)[:2])):
        return "utf-8"
    import io
    import tokenize

    return tokenize.detect_encoding(io.BytesIO(content).readline)[0]


def encode(text: str, before: bytes) -> bytes:
    """The bytes of a changed text, in the encoding of the file that it was read from.

    A byte order mark stays. Raises `UnicodeEncodeError` if the encoding lacks a character.
    """
    mark = _BOM if before.startswith(_BOM) else b""
    return mark + text.encode(encoding_of(before))


def replace_file(path: Path, before: bytes, after: bytes) -> None:
    """Write a file that still has the content `before`, whole or not at all; raises `OSError`.

    A link stays a link, and the file keeps its permissions.
    """
    import shutil
    import tempfile

    real = path.resolve()
    if real.read_bytes() != before:
        raise OSError(None, "it was changed in the meantime")
    descriptor, name = tempfile.mkstemp(dir=real.parent, prefix=f".{real.name}.")
    new = Path(name)
    try:
        with open(descriptor, "wb") as file:  # noqa: PTH123
            file.write(after)
        shutil.copymode(real, new)
        new.replace(real)
    except OSError:
        new.unlink(missing_ok=True)
        raise


def syntax_error(file: Undecodable | Unreadable) -> Diagnostic:
    """What is said about a file that is not text, or cannot be read."""
    from oxide_analyzer.rules.ox001_syntax_error import RULE
    from oxide_analyzer.source import Span

    if isinstance(file, Unreadable):
        span = Span(file.path, file.line, 1, file.line, 1)
        return RULE.diagnostic(span, f"the file cannot be read: {file.why}")
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
    """The Python files and notebooks below folders, without what is excluded and what git ignores.

    Sorted, so that two machines check in one order. Symbolic links to folders are not followed,
    which leaves no loops.
    """

    def __init__(self, configuration: Configuration) -> None:
        """Start with what `configuration` excludes."""
        self._root = configuration.root
        self._excluded = gitignore.parse("\n".join(configuration.excluded()))

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
        # Folders may be nested deeper than Python's calls.
        levels = [_level(shown, real, ignores)]
        while levels:
            level = levels[-1]
            entry = next(level.entries, None)
            if entry is None:
                levels.pop()
                continue
            is_directory = entry.is_dir(follow_symlinks=False)
            if not is_directory and not entry.name.endswith((".py", _NOTEBOOK)):
                continue
            path = level.real / entry.name
            if gitignore.ignored(self._excluded, self._inner(path), is_directory):
                continue
            if _git_ignored(level.ignores, path, is_directory):
                continue
            if is_directory:
                levels.append(_level(level.shown / entry.name, path, level.ignores))
            elif _is_file(entry):
                yield level.shown / entry.name

    def _inner(self, path: Path) -> str:
        """From the project's folder, with slashes; a path outside of it by all its parts."""
        if path.is_relative_to(self._root):
            return path.relative_to(self._root).as_posix()
        return path.as_posix().lstrip("/")


@record
class _Level:
    """A folder of a walk: its path in messages, where it is, what git ignores, what is left."""

    shown: Path
    real: Path
    ignores: tuple[_Ignores, ...]
    entries: Iterator[os.DirEntry[str]]


def _level(shown: Path, real: Path, above: tuple[_Ignores, ...]) -> _Level:
    try:
        # A repository of its own: what is ignored outside does not reach into it.
        is_repository = (real / ".git").exists()
        ignores = _repository_ignores(real) if is_repository else (*above, *_ignores_of(real))
        entries = sorted(os.scandir(real), key=lambda entry: entry.name)
    except OSError:
        # A folder that may not be listed holds nothing that could be checked.
        return _Level(shown, real, above, iter(()))
    return _Level(shown, real, ignores, iter(entries))


def _is_file(entry: os.DirEntry[str]) -> bool:
    try:
        return entry.is_file()
    except OSError:
        # A link that leads to itself.
        return False


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
