"""Which names a piece of source binds, read off its syntax.

A scope is a module or a function; what its names mean is asked of `resolution`. Nothing here is
evaluated: a binding is the piece of syntax that makes it.

    import math as m          m   -> Imported("math", None)
    from .ops import clamp    clamp -> Imported(".ops", "clamp")
    N = 4                     N   -> Assigned(4)
    def make(n): …            make -> Defined(…)
"""

from __future__ import annotations

import ast
from bisect import bisect_left
from dataclasses import dataclass, field
from functools import cached_property, lru_cache
from typing import TYPE_CHECKING, TypeAlias

from oxide_analyzer.frontends.oxide.trees import nodes
from oxide_analyzer.notebooks.cells import JoinedSource
from oxide_analyzer.record import record

if TYPE_CHECKING:
    from collections.abc import Iterator

    from oxide_analyzer.source import SourceFile

FunctionNode: TypeAlias = ast.FunctionDef | ast.AsyncFunctionDef


@record
class Imported:
    """`import module` (attribute None) or `from module import attribute`; dots lead relatives."""

    module: str
    attribute: str | None


@record
class Defined:
    """`def` or `class`."""

    node: FunctionNode | ast.ClassDef


@record
class Assigned:
    """`name = value`; None for what has no one expression (a loop variable, an unpacking)."""

    value: ast.expr | None
    annotation: ast.expr | None = None


@record
class Parameter:
    """A parameter of an enclosing function."""

    argument: ast.arg
    default: ast.expr | None


_IMPORT_ERRORS = {"ImportError", "ModuleNotFoundError", "Exception", "BaseException"}

Binding: TypeAlias = Imported | Defined | Assigned | Parameter


@dataclass(eq=False)
class Scope:
    """A module (`parent` is None), a class or a function, and what it binds."""

    source: SourceFile
    node: ast.Module | FunctionNode | ast.ClassDef
    parent: Scope | None = None
    qualname: str = ""
    stars: list[str] = field(default_factory=list[str])
    _views: dict[int, Scope] = field(default_factory=dict[int, "Scope"])

    @property
    def is_module(self) -> bool:
        """Whether names of this scope are globals."""
        return self.parent is None

    @property
    def is_class(self) -> bool:
        """Whether functions inside do not see its names."""
        return isinstance(self.node, ast.ClassDef)

    @cached_property
    def bindings(self) -> dict[str, list[Binding]]:
        """Every binding of every name, in the order of the source."""
        found: dict[str, list[Binding]] = {}
        if isinstance(self.node, ast.FunctionDef | ast.AsyncFunctionDef):
            for argument, default in parameters(self.node):
                found.setdefault(argument.arg, []).append(Parameter(argument, default))
        _bind(self.node.body, found, self.stars)
        if ":=" in self.source.text:
            for statement in self.node.body:
                for name in _named(statement):
                    found.setdefault(name, []).append(Assigned(None))
        if self.is_module and "global" in self.source.text:
            for name in _set_from_functions(self.node):
                found.setdefault(name, []).append(Assigned(None))
        elif "global" in self.source.text or "nonlocal" in self.source.text:
            for name in _declared(self.node):
                found.pop(name, None)
            for node in nodes(self.node) if "nonlocal" in self.source.text else ():
                for name in node.names if isinstance(node, ast.Nonlocal) else ():
                    if name in found:
                        found[name].append(Assigned(None))
        return {name: _without_none(bindings) for name, bindings in found.items()}

    def at(self, node: ast.stmt) -> Scope:
        """The scope as a statement in it finds it: in a notebook, as its cell leaves it.

        A function that several cells define is, to each cell, the last one up to there; what no
        cell defined so far is what a later one does.
        """
        if not isinstance(self.source, JoinedSource) or not self._redefined:
            return self
        cell = bisect_left(self.source.ends, node.lineno)
        if cell not in self._views:
            view = Scope(self.source, self.node, stars=self.stars)
            seen = {name: self._seen(name, cell) for name in self._redefined}
            view.__dict__["bindings"] = {**self.bindings, **seen}
            view.__dict__["_redefined"] = ()
            self._views[cell] = view
        return self._views[cell]

    def _seen(self, name: str, cell: int) -> list[Binding]:
        assert isinstance(self.source, JoinedSource)
        last = self.source.ends[min(cell, len(self.source.ends) - 1)]
        bindings = self.bindings[name]
        above = [b for b in bindings if isinstance(b, Defined) and b.node.lineno <= last]
        return list(above) or bindings[:1]

    @cached_property
    def _redefined(self) -> tuple[str, ...]:
        """The functions of a module that are defined more than once."""
        return tuple(
            name
            for name, bindings in self.bindings.items()
            if self.is_module
            and len(bindings) > 1
            and all(isinstance(binding, Defined) for binding in bindings)
        )

    def inner(self, node: FunctionNode | ast.ClassDef) -> Scope:
        """The scope of a function or class that is defined here."""
        return Scope(self.source, node, self, self.qualify(node.name))

    def qualify(self, name: str) -> str:
        """Python's `__qualname__` of a function that is defined here."""
        if self.is_module:
            return name
        return f"{self.qualname}.{name}" if self.is_class else f"{self.qualname}.<locals>.{name}"


@lru_cache(maxsize=64)
def module_scope(source: SourceFile, tree: ast.Module) -> Scope:
    """The scope of a parsed file; one for each, so that what it binds is found once."""
    return Scope(source, tree)


def parameters(node: FunctionNode) -> list[tuple[ast.arg, ast.expr | None]]:
    """The named parameters with their defaults, in the order of the signature."""
    arguments = node.args
    positional = [*arguments.posonlyargs, *arguments.args]
    missing: list[ast.expr | None] = [None] * (len(positional) - len(arguments.defaults))
    pairs = list(zip(positional, [*missing, *arguments.defaults], strict=True))
    return pairs + list(zip(arguments.kwonlyargs, arguments.kw_defaults, strict=True))


def _without_none(bindings: list[Binding]) -> list[Binding]:
    """The bindings of a name; None beside imports says that a module is not there."""
    kept = [b for b in bindings if not (isinstance(b, Assigned) and _is_none(b.value))]
    return kept if kept and all(isinstance(b, Imported) for b in kept) else bindings


def _is_none(value: ast.expr | None) -> bool:
    return isinstance(value, ast.Constant) and value.value is None


def _bind(body: list[ast.stmt], found: dict[str, list[Binding]], stars: list[str]) -> None:
    for node in body:
        match node:
            case (
                ast.FunctionDef(name=name)
                | ast.AsyncFunctionDef(name=name)
                | ast.ClassDef(name=name)
            ):
                found.setdefault(name, []).append(Defined(node))
            case ast.Import(names=names):
                for alias in names:
                    if alias.asname is not None:
                        found.setdefault(alias.asname, []).append(Imported(alias.name, None))
                    else:
                        top = alias.name.partition(".")[0]
                        found.setdefault(top, []).append(Imported(top, None))
            case ast.ImportFrom(module=module, names=names, level=level):
                origin = "." * level + (module or "")
                for alias in names:
                    if alias.name == "*":
                        stars.append(origin)
                    else:
                        name = alias.asname or alias.name
                        found.setdefault(name, []).append(Imported(origin, alias.name))
            case ast.Assign(targets=targets, value=value):
                for target in targets:
                    _assign(target, value, None, found)
            case ast.AnnAssign(target=target, value=value, annotation=annotation):
                _assign(target, value, annotation, found)
            case ast.AugAssign(target=target):
                _assign(target, None, None, found)
            case (
                ast.For(target=target, body=inner, orelse=orelse)
                | ast.AsyncFor(target=target, body=inner, orelse=orelse)
            ):
                _assign(target, None, None, found)
                _bind(inner, found, stars)
                _bind(orelse, found, stars)
            case ast.If(body=inner, orelse=orelse) | ast.While(body=inner, orelse=orelse):
                _bind(inner, found, stars)
                _bind(orelse, found, stars)
            case ast.With(items=items, body=inner) | ast.AsyncWith(items=items, body=inner):
                for item in items:
                    if item.optional_vars is not None:
                        _assign(item.optional_vars, None, None, found)
                _bind(inner, found, stars)
            case (
                ast.Try(body=inner, handlers=handlers, orelse=orelse, finalbody=final)
                | ast.TryStar(body=inner, handlers=handlers, orelse=orelse, finalbody=final)
            ):
                tried: dict[str, list[Binding]] = {}
                _bind(inner, tried, stars)
                for handler in handlers:
                    _bind_instead(handler, tried, stars)
                for name, bindings in tried.items():
                    found.setdefault(name, []).extend(bindings)
                _bind(orelse, found, stars)
                _bind(final, found, stars)
            case ast.Match(cases=cases):
                for case in cases:
                    for name in _captured(case.pattern):
                        found.setdefault(name, []).append(Assigned(None))
                    _bind(case.body, found, stars)
            case ast.Delete(targets=targets):
                for target in targets:
                    _assign(target, None, None, found)
            case _:
                pass


def _captured(pattern: ast.pattern) -> Iterator[str]:
    """The names that a pattern of `match` binds."""
    for node in ast.walk(pattern):
        match node:
            case (
                ast.MatchAs(name=str(name))
                | ast.MatchStar(name=str(name))
                | ast.MatchMapping(rest=str(name))
            ):
                yield name
            case _:
                pass


def _named(node: ast.AST) -> Iterator[str]:
    """The names that `name := value` binds in a scope, which is not that of a function inside."""
    if isinstance(node, ast.NamedExpr):
        yield node.target.id
    if not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef | ast.Lambda):
        for child in ast.iter_child_nodes(node):
            yield from _named(child)


def _declared(node: ast.AST) -> Iterator[str]:
    """The names that a function assigns for others: `global n`, `nonlocal n`."""
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.Global | ast.Nonlocal):
            yield from child.names
        elif not isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            yield from _declared(child)


def _set_from_functions(module: ast.AST) -> Iterator[str]:
    """The names of a module that functions assign: `global n`, `globals()["n"] = …`."""
    for node in nodes(module):
        match node:
            case ast.Global(names=names):
                yield from names
            case ast.Subscript(
                value=ast.Call(func=ast.Name(id="globals")),
                slice=ast.Constant(value=str(name)),
                ctx=ast.Store(),
            ):
                yield name
            case ast.Call(
                func=ast.Attribute(value=ast.Call(func=ast.Name(id="globals")), attr="update"),
                keywords=keywords,
            ):
                yield from (keyword.arg for keyword in keywords if keyword.arg is not None)
            case _:
                pass


def _bind_instead(
    handler: ast.ExceptHandler, tried: dict[str, list[Binding]], stars: list[str]
) -> None:
    """What a handler binds; not what stands for a module that is not installed.

    try:
        from numba import cuda
    except ImportError:
        cuda = None

    A number is another number there.
    """
    instead: dict[str, list[Binding]] = {}
    _bind(handler.body, instead, stars)
    if handler.name is not None:
        instead.setdefault(handler.name, []).append(Assigned(None))
    for name, bindings in instead.items():
        before = tried.setdefault(name, [])
        is_module = any(isinstance(binding, Imported) for binding in before)
        if not is_module or not _is_of_imports(handler) or any(map(_is_number, bindings)):
            before.extend(bindings)


def _is_number(binding: Binding) -> bool:
    """Whether something is bound to what may be a number."""
    return (
        isinstance(binding, Assigned)
        and isinstance(binding.value, ast.Constant | ast.BinOp | ast.UnaryOp | ast.Tuple)
        and not _is_none(binding.value)
    )


def _is_of_imports(handler: ast.ExceptHandler) -> bool:
    """Whether a handler is what runs where an import fails."""
    caught = handler.type
    types = caught.elts if isinstance(caught, ast.Tuple) else [caught]
    return any(
        one is None or (isinstance(one, ast.Name) and one.id in _IMPORT_ERRORS) for one in types
    )


def _assign(
    target: ast.expr,
    value: ast.expr | None,
    annotation: ast.expr | None,
    found: dict[str, list[Binding]],
) -> None:
    match target:
        case ast.Name(id=name):
            found.setdefault(name, []).append(Assigned(value, annotation))
        case ast.Tuple(elts=targets) | ast.List(elts=targets):
            values: list[ast.expr | None] = [None] * len(targets)
            if isinstance(value, ast.Tuple | ast.List) and len(value.elts) == len(targets):
                values = list(value.elts)
            for inner, part in zip(targets, values, strict=True):
                _assign(inner, part, None, found)
        case ast.Starred(value=inner):
            _assign(inner, None, None, found)
        case _:
            pass
