"""Kernels that were read before, for who reads a file again at each keystroke.

A keystroke changes one statement of a module, and few kernels lead to it. What is read of the
others is what was read before, spans and all, as long as they stand on the same lines. What a
kernel is read from is

* its own text, from its first decorator to its end;
* the statements of its module that a word in it leads to, and those that a word in these does;
  all statements that import whatever there is;
* on which lines they stand, because helpers are inlined with their places;
* which names the module binds at all, because a name that is unknown is compared with them;
* the modules that were looked up, which must be found as they were.

    BLOCK = 64
    @kernel
    def k(a): …half(BLOCK)…    leads to BLOCK and half
    def half(n): …
    @kernel
    def l(a): …                leads to nothing: an edit in `half` leaves it alone, unless it moves
    def main(): …              nothing leads here

Words are those of the text, comments and strings among them: that is more than names, never less.
A file in which something says `global` is not remembered: functions may bind names of the module
there. Nor are kernels inside of functions or classes.
"""

from __future__ import annotations

import ast
import re
from collections import OrderedDict
from functools import lru_cache
from hashlib import blake2b
from typing import TYPE_CHECKING, Generic, TypeVar

from oxide_analyzer.notebooks.cells import JoinedSource
from oxide_analyzer.record import record

if TYPE_CHECKING:
    from oxide_analyzer.frontends.oxide.scopes import FunctionNode, Scope
    from oxide_analyzer.modules import Modules
    from oxide_analyzer.source import SourceFile

_WORD = re.compile(r"[^\W\d]\w*")
_MOST = 256

Read = TypeVar("Read")


@record
class _Entry(Generic[Read]):
    """What was read, and what was found for it elsewhere: names, as their importers say them."""

    read: Read
    lookups: tuple[tuple[str, SourceFile, SourceFile | None], ...]


class Remembered(Generic[Read]):
    """What was read of functions lately; one for all versions of all files."""

    def __init__(self) -> None:
        """Nothing."""
        self._entries: OrderedDict[bytes, _Entry[Read]] = OrderedDict()

    def find(self, key: bytes, modules: Modules) -> Read | None:
        """What was read under this key, if the modules are still what they were."""
        entry = self._entries.get(key)
        if entry is None:
            return None
        for name, importer, found in entry.lookups:
            if modules.find(name, importer) != found:
                del self._entries[key]
                return None
        self._entries.move_to_end(key)
        return entry.read

    def keep(self, key: bytes, read: Read, lookups: RecordedLookups) -> None:
        """Remember what was read, with all that was looked up so far."""
        self._entries[key] = _Entry(read, tuple(lookups.made))
        if len(self._entries) > _MOST:
            self._entries.popitem(last=False)


class RecordedLookups:
    """Other modules, and everything that was asked of them."""

    def __init__(self, modules: Modules) -> None:
        """Nothing was asked yet."""
        self._modules = modules
        self.made: list[tuple[str, SourceFile, SourceFile | None]] = []

    def find(self, name: str, importer: SourceFile) -> SourceFile | None:
        """What the other modules answer."""
        found = self._modules.find(name, importer)
        self.made.append((name, importer, found))
        return found


@record
class _Piece:
    """A statement of the module: where it starts, its lines, and what it may bind."""

    line: int
    text: str
    names: frozenset[str]


class Surroundings:
    """A module as its kernels see it."""

    def __init__(self, module: Scope) -> None:
        """Of each statement what leads to it."""
        source, body = module.source, module.node.body
        self._is_known = "global" not in source.text
        self._pieces = [_piece(node, source) for node in body]
        self._index = {id(node): number for number, node in enumerate(body)}
        self._stars = {n for n, node in enumerate(body) if _imports_all(node)}
        ends = source.ends if isinstance(source, JoinedSource) else ()
        self._digest = _digest(source.path, repr(ends), *sorted(module.bindings))

    def key(self, node: FunctionNode, said: str = "") -> bytes | None:
        """Equal for functions of which the same is read; None for those that are not known.

        `said` is what else the reader knows of the function.
        """
        number = self._index.get(id(node))
        if number is None or not self._is_known:
            return None
        found = [self._pieces[n] for n in self._reached(number)]
        # The same function may stand there twice.
        lines = repr([self._pieces[number].line, *(piece.line for piece in found)])
        return _digest(self._digest, said, lines, *(piece.text for piece in found))

    def _reached(self, number: int) -> list[int]:
        """A statement, and those that it may lead to: by a name, and by names in what that is."""
        found = {number, *self._stars}
        words = {word for n in found for word in _words(self._pieces[n].text)}
        left = set(range(len(self._pieces))) - found
        while True:
            more = {n for n in left if not self._pieces[n].names.isdisjoint(words)}
            if not more:
                return sorted(found)
            for n in more:
                words |= _words(self._pieces[n].text)
            found |= more
            left -= more


def _piece(node: ast.stmt, source: SourceFile) -> _Piece:
    first = node.lineno
    is_definition = isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef)
    if is_definition:
        first = min([first, *(decorator.lineno for decorator in node.decorator_list)])
    text = "".join(source.lines[first - 1 : node.end_lineno])
    # Of a statement that is no definition any word may be a name that it binds.
    return _Piece(first, text, frozenset((node.name,)) if is_definition else _words(text))


def _imports_all(node: ast.stmt) -> bool:
    return any(
        isinstance(inner, ast.ImportFrom) and any(alias.name == "*" for alias in inner.names)
        for inner in (ast.walk(node) if not isinstance(node, ast.FunctionDef) else ())
    )


@lru_cache(maxsize=4096)
def _words(text: str) -> frozenset[str]:
    return frozenset(_WORD.findall(text))


def _digest(*parts: str | bytes) -> bytes:
    found = blake2b(digest_size=16)
    for part in parts:
        text = part if isinstance(part, bytes) else part.encode("utf-8", "surrogatepass")
        found.update(len(text).to_bytes(8, "little"))
        found.update(text)
    return found.digest()
