"""Fixes in the words of a file: names of the language as it imports them, and those it lacks.

    import oxide as ox                    from oxide import kernel, thread
    …                                     …
    ox.sync_threads()                     sync_threads()     and `, sync_threads` behind `thread`

A file of Numba says `cuda.syncthreads()`, by whatever name it knows `numba.cuda`; what it has no
word for (`wording.CODE`) is not offered there, and neither is a name that the file has given to
something else.
"""

from __future__ import annotations

import ast
import re
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import TYPE_CHECKING

from oxide_analyzer import edits as text_edits
from oxide_analyzer.diagnostics import Edit
from oxide_analyzer.ir.kernel import OWN_DIALECT
from oxide_analyzer.source import Span
from oxide_analyzer.wording import CODE, in_words

if TYPE_CHECKING:
    from collections.abc import Iterable

    from oxide_analyzer.diagnostics import Diagnostic, Fix
    from oxide_analyzer.source import SourceFile

_PACKAGE = "oxide"
# What fixes write that has to be imported.
_NAMES = (
    "async_commit",
    "async_wait",
    "atomic",
    "AtomicSlice",
    "AtomicSlice2D",
    "AtomicSlice3D",
    "block",
    "block_dim",
    "DisjointSlice",
    "DisjointSlice2D",
    "DisjointSlice3D",
    "grid_dim",
    "injective",
    "sync_threads",
    "thread",
    "within",
)
_WORD = re.compile(rf"(?<![\w.])({'|'.join(_NAMES)})\b(?:\.\w+)*")
_STRING = re.compile(r'"[^"]*"|\'[^\']*\'')


@dataclass
class Writer:
    """Puts fixes into the words of one file; reads its imports when the first fix asks."""

    source: SourceFile

    def written(self, diagnostics: Iterable[Diagnostic], dialect: str) -> tuple[Diagnostic, ...]:
        """The findings with fixes that the file understands."""
        return tuple(self._one(d, dialect) if d.fixes else d for d in diagnostics)

    def _one(self, diagnostic: Diagnostic, dialect: str) -> Diagnostic:
        fixes = [self._fix(fix, dialect) for fix in diagnostic.fixes]
        if fixes == list(diagnostic.fixes):
            return diagnostic
        return replace(diagnostic, fixes=tuple(fix for fix in fixes if fix is not None))

    def _fix(self, fix: Fix, dialect: str) -> Fix | None:
        if any(edit.span.path != self.source.path for edit in fix.edits):
            return fix
        said: dict[str, str] = {}
        missing: dict[str, None] = {}
        for edit in fix.edits:
            for word in _WORD.finditer(_STRING.sub('""', edit.text)):
                own = self._own(word, missing) if dialect == OWN_DIALECT else self._other(word[0])
                if own is None:
                    return None
                said[word[0]] = own
        if not said:
            return fix
        written = [
            replace(edit, text=_WORD.sub(lambda m: said.get(m[0], m[0]), edit.text))
            for edit in fix.edits
        ]
        if missing:
            place = self._imports.place
            if place is None:
                return None
            written.append(Edit(place, "".join(f", {name}" for name in missing)))
        title = fix.title if dialect == OWN_DIALECT else in_words(fix.title, dialect)
        return replace(fix, title=title, edits=tuple(written))

    def _own(self, word: re.Match[str], missing: dict[str, None]) -> str | None:
        """A name of Oxide, as the file says it."""
        name, rest = word[1], word[0][len(word[1]) :]
        imports = self._imports
        if name in imports.names:
            return imports.names[name] + rest
        if imports.package is not None:
            return f"{imports.package}.{word[0]}"
        if name in imports.taken:
            return None
        missing[name] = None
        return word[0]

    def _other(self, word: str) -> str | None:
        """What another dialect calls it."""
        found = CODE.get(word)
        package = self._imports.cuda
        return f"{package}.{found}" if found is not None and package is not None else None

    @cached_property
    def _imports(self) -> _Imports:
        found = _Imports()
        tree = text_edits.tree(self.source.text)
        for node in ast.walk(tree) if tree is not None else ():
            match node:
                case ast.ImportFrom(module="oxide", level=0):
                    self._from_oxide(node, found, is_top=node in getattr(tree, "body", ()))
                case ast.ImportFrom(module="numba", level=0):
                    for alias in node.names:
                        if alias.name == "cuda":
                            found.cuda = alias.asname or alias.name
                case ast.Import():
                    for alias in node.names:
                        if alias.name == _PACKAGE:
                            found.package = alias.asname or alias.name
                        elif alias.name == "numba.cuda":
                            found.cuda = alias.asname or alias.name
                        elif alias.name == "numba" and found.cuda is None:
                            found.cuda = f"{alias.asname or alias.name}.cuda"
                case ast.ImportFrom():
                    found.taken.update(alias.asname or alias.name for alias in node.names)
                case ast.Name(id=name, ctx=ast.Store()) | ast.arg(arg=name):
                    found.taken.add(name)
                case ast.FunctionDef(name=name) | ast.ClassDef(name=name):
                    found.taken.add(name)
                case _:
                    pass
        return found

    def _from_oxide(self, node: ast.ImportFrom, found: _Imports, *, is_top: bool) -> None:
        for alias in node.names:
            if alias.name == "*":
                found.names.update((name, name) for name in _NAMES)
            else:
                found.names[alias.name] = alias.asname or alias.name
        if is_top and node.names[-1].name != "*":
            last = self.source.span(node.names[-1])
            end = Span(last.path, last.end_line, last.end_column, last.end_line, last.end_column)
            found.place = end


@dataclass
class _Imports:
    """How a file says names of the language: each, or behind the package's; and where another one
    can be imported. `taken` are names of something else."""

    names: dict[str, str] = field(default_factory=dict[str, str])
    package: str | None = None
    cuda: str | None = None
    place: Span | None = None
    taken: set[str] = field(default_factory=set[str])
