"""What host code may change behind the back of one who follows its statements.

    def shrink():                     a function that is called may assign it: of `blocks` nothing
        global blocks                 is known, wherever it stands
    sizes = [64, 128]                 a list is what was written as long as it is only looked at:
    for n in sizes: …                 gone through, indexed, counted, unpacked
    sizes.append(n); f(sizes)         changed, or given to who may change it
    x.resize(20)                      an array that has another shape from there

All of it is read off the names of a file, whatever their scopes are, which errs to the side of
knowing less. What `exec` or `globals()[…] = …` assigns nobody sees.
"""

from __future__ import annotations

import ast
from functools import lru_cache
from typing import TYPE_CHECKING

from oxide_analyzer.frontends.oxide.trees import nodes

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from oxide_analyzer.frontends.oxide.scopes import Scope

# Functions that look at a list and keep nothing of it, and methods that do not change it.
_LOOK = frozenset(
    (
        *("len", "tuple", "list", "enumerate", "zip", "min", "max", "sum", "sorted", "range"),
        *("print", "str", "repr", "set", "any", "all", "reversed", "isinstance", "product"),
        *("prod", "array", "asarray", "zeros", "empty", "ones", "full", "device_array"),
        *("pinned_array", "mapped_array", "full_like", "reshape", "join", "to_device"),
        *("concatenate", "stack", "vstack", "hstack", "mean", "array_like"),
    )
)
_LOOKING_METHODS = frozenset(
    (
        *("index", "count", "items", "values", "keys", "copy"),
        # Of arrays.
        *("shape", "size", "ndim", "dtype", "nbytes", "itemsize", "T"),
        *("sum", "min", "max", "mean", "tolist", "astype"),
    )
)
_FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda, ast.ClassDef)


def assigned(body: Iterable[ast.stmt]) -> frozenset[str]:
    """The names that statements bind, functions inside apart."""
    return frozenset(name for statement in body for name in assigned_in(statement))


def assigned_in(node: ast.AST) -> Iterator[str]:
    """The names that a piece of source binds."""
    match node:
        case ast.Name(id=name, ctx=ast.Store() | ast.Del()):
            yield name
        case (
            ast.FunctionDef(name=name)
            | ast.AsyncFunctionDef(name=name)
            | ast.ClassDef(name=name)
            | ast.ExceptHandler(name=str(name))
            | ast.MatchAs(name=str(name))
            | ast.MatchStar(name=str(name))
            | ast.MatchMapping(rest=str(name))
        ):
            yield name
        case ast.alias(name=name, asname=other):
            yield other or name.partition(".")[0]
        case _:
            pass
    if not isinstance(node, _FUNCTIONS):
        for child in ast.iter_child_nodes(node):
            yield from assigned_in(child)


def root(scope: Scope) -> ast.AST:
    """The file in which a scope stands."""
    while scope.parent is not None:
        scope = scope.parent
    return scope.node


@lru_cache(maxsize=16)
def reassigned(module: ast.AST) -> frozenset[str]:
    """The names that a function assigns for others: `global n`, `nonlocal n`."""
    return frozenset(
        name
        for node in nodes(module)
        if isinstance(node, ast.Global | ast.Nonlocal)
        for name in node.names
    )


@lru_cache(maxsize=16)
def copied(module: ast.AST) -> Mapping[str, Sequence[str]]:
    """By the names that functions assign for others, the names whose values they are given."""
    found: dict[str, list[str]] = {}
    for node in nodes(module):
        match node:
            case ast.Assign(targets=targets, value=ast.Name(id=source)):
                for target in targets:
                    if isinstance(target, ast.Name) and target.id in reassigned(module):
                        found.setdefault(target.id, []).append(source)
            case _:
                pass
    return found


@lru_cache(maxsize=16)
def resized(module: ast.AST) -> frozenset[str]:
    """The names of arrays, and `.name` of attributes, that are given another shape in place."""
    found: set[str] = set()
    for node in nodes(module):
        match node:
            case ast.Expr(value=ast.Call(func=ast.Attribute(value=array, attr="resize"))):
                found.add(_name(array))
            case ast.Attribute(value=array, attr="shape" | "dtype", ctx=ast.Store()):
                found.add(_name(array))
            case _:
                pass
    return frozenset(found)


@lru_cache(maxsize=16)
def leaked(module: ast.AST) -> frozenset[str]:
    """The names, and `.name` of attributes, whose lists are changed or given away."""
    found: set[str] = set()
    _leaks(module, None, found)
    return frozenset(found)


def _leaks(node: ast.AST, parent: ast.AST | None, found: set[str]) -> None:
    is_named = isinstance(node, ast.Name | ast.Attribute) and isinstance(node.ctx, ast.Load)
    if is_named and parent is not None and not _only_looks(node, parent):
        found.add(_name(node))
    for child in ast.iter_child_nodes(node):
        _leaks(child, node, found)


def _only_looks(node: ast.AST, parent: ast.AST) -> bool:
    match parent:
        case ast.Subscript(ctx=ast.Load()) | ast.Starred() | ast.Compare() | ast.BinOp():
            return True
        case ast.keyword(arg=None):
            return True
        case ast.For(iter=seen) | ast.AsyncFor(iter=seen) | ast.comprehension(iter=seen):
            return seen is node
        case ast.Call(func=function):
            return function is node or _name(function).lstrip(".") in _LOOK
        case ast.Attribute(attr=name, ctx=ast.Load()):
            return name in _LOOKING_METHODS
        case ast.If() | ast.While() | ast.Assert() | ast.Expr() | ast.FormattedValue():
            return True
        case ast.UnaryOp(op=ast.Not()) | ast.AugAssign() | ast.Assign(targets=[ast.Tuple()]):
            return True
        case _:
            return False


def _name(node: ast.AST) -> str:
    match node:
        case ast.Name(id=name):
            return name
        case ast.Attribute(attr=name):
            return f".{name}"
        case _:
            return ""


@lru_cache(maxsize=64)
def in_loops(owner: ast.AST) -> frozenset[int]:
    """The expressions in the loops of a module or function, by their identities."""
    return frozenset(
        id(inner)
        for node in nodes(owner)
        if isinstance(node, ast.For | ast.AsyncFor | ast.While)
        for statement in node.body
        for inner in ast.walk(statement)
        if isinstance(inner, ast.expr)
    )


def is_steady(scope: Scope, name: str) -> bool:
    """Whether a name that a function in `scope` reads is assigned once, and in no loop.

    Numba compiles the number that it finds at the first launch; one that changes is another
    number to the code around the kernel than to the kernel.
    """
    inside: Scope | None = scope
    while inside is not None and (inside.is_class or name not in inside.bindings):
        inside = inside.parent
    if inside is None or len(inside.bindings[name]) > 1:
        return False
    return not any(
        isinstance(inner, ast.Name) and inner.id == name and isinstance(inner.ctx, ast.Store)
        for node in nodes(inside.node)
        if isinstance(node, ast.For | ast.AsyncFor | ast.While)
        for inner in ast.walk(node)
    )


def own_statements(owner: ast.AST) -> Iterator[ast.AST]:
    """What stands in a module, class or function, but not in the functions inside."""
    for child in ast.iter_child_nodes(owner):
        if not isinstance(child, _FUNCTIONS):
            yield child
            yield from own_statements(child)


def is_generator(node: ast.FunctionDef | ast.AsyncFunctionDef) -> bool:
    """Whether a call of a function gives something that is run later."""
    return isinstance(node, ast.AsyncFunctionDef) or any(
        isinstance(inner, ast.Yield | ast.YieldFrom) for inner in nodes(node)
    )
