"""Kernels that were read before, for who reads a file again at each keystroke.

A keystroke changes one kernel, and no kernel calls another: what is read of the others is what was
read before, spans and all, as long as it stands on the same lines. What a kernel is read from is

* its own text, from its first decorator to its end, and the line where it starts;
* its surroundings: every other statement of the module. Of another kernel only decorators and name
  count, of anything else every character;
* on which lines those stand that a name in it leads to, because helpers are inlined with their
  places. Others may move;
* the modules that were looked up, which must be found as they were.

    BLOCK = 64                surroundings: BLOCK = 64 · @kernel k · def half(n): … · @kernel l
    @kernel
    def k(a): …    edited     read anew
    def half(n): …
    @kernel
    def l(a): …               as it was

A file in which something says `global` is not remembered: its kernels may bind names of the
module. Nor are kernels inside of functions or classes, which count as surroundings.
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
    from collections.abc import Iterable

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
    """A statement of the module: where it starts, what of it matters to others, what it binds."""

    line: int
    text: str
    own: str
    names: frozenset[str]


class Surroundings:
    """A module as its kernels see it."""

    def __init__(self, module: Scope, kernels: Iterable[FunctionNode]) -> None:
        """`kernels` are the functions of the module that no other function of it calls."""
        self._source = module.source
        self.are_known = "global" not in module.source.text
        alone = {id(node) for node in kernels}
        body = module.node.body
        self._pieces = [_piece(node, module.source, id(node) in alone) for node in body]
        self._index = {id(node): number for number, node in enumerate(body) if id(node) in alone}
        texts = [piece.text for piece in self._pieces]
        ends = module.source.ends if isinstance(module.source, JoinedSource) else ()
        self._digest = _digest(module.source.path, repr(ends), *texts)

    def key(self, node: FunctionNode) -> bytes | None:
        """Equal for functions of which the same is read; None for those that are not known."""
        number = self._index.get(id(node))
        if number is None or not self.are_known:
            return None
        own = self._pieces[number]
        lines = repr([(index, self._pieces[index].line) for index in self._mentioned(number)])
        return _digest(self._digest, own.own, str(number), lines)

    def _mentioned(self, number: int) -> list[int]:
        """A statement, and those that it may lead to: by a name, and by names in what that is."""
        words = set(_words(self._pieces[number].own))
        found, left = {number}, {n for n in range(len(self._pieces)) if n != number}
        while True:
            more = {n for n in left if not self._pieces[n].names.isdisjoint(words)}
            if not more:
                return sorted(found)
            for n in more:
                words |= _words(self._pieces[n].text)
            found |= more
            left -= more


def _piece(node: ast.stmt, source: SourceFile, is_kernel: bool) -> _Piece:
    first = node.lineno
    if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
        first = min([first, *(decorator.lineno for decorator in node.decorator_list)])
    last = node.end_lineno or node.lineno
    own = "".join(source.lines[first - 1 : last])
    text = own
    if is_kernel:
        assert isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        text = f"{''.join(source.lines[first - 1 : node.lineno - 1])} def {node.name}"
    return _Piece(first, text, own, _bound(node, own))


@lru_cache(maxsize=4096)
def _words(text: str) -> frozenset[str]:
    return frozenset(_WORD.findall(text))


def _bound(node: ast.stmt, text: str) -> frozenset[str]:
    """Every name that a statement of a module may bind there, and more."""
    if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
        return frozenset((node.name,))
    return _words(text)


def _digest(*parts: str | bytes) -> bytes:
    found = blake2b(digest_size=16)
    for part in parts:
        text = part if isinstance(part, bytes) else part.encode("utf-8", "surrogatepass")
        found.update(len(text).to_bytes(8, "little"))
        found.update(text)
    return found.digest()
