"""What the methods of a class assign to the attributes of its objects.

    def __init__(self, n):
        self.n = n                    certain: each call of the method assigns both, so what they
        self.x = np.zeros(n)          say of each other holds: `x` has `n` elements
    def grow(self, n):
        if n > self.room:
            self.y = np.zeros(n)      what an earlier call has left, in another one

An attribute is open, of which nothing is known, where something else may assign it: code outside
its class, a class that is derived from it, `setattr`, a loop, or a method that reads it first.
"""

from __future__ import annotations

import ast
from functools import lru_cache
from typing import TYPE_CHECKING, TypeAlias

from oxide_analyzer.frontends.numba.changes import own_statements
from oxide_analyzer.frontends.numba.quantities import Instance
from oxide_analyzer.frontends.oxide.trees import nodes

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from oxide_analyzer.frontends.oxide.scopes import Scope

# The owner of the fields that methods see as those of their own object.
SELF = "self"

# The method, the value, a place where it is unpacked, and whether each call assigns it.
_Given: TypeAlias = "tuple[ast.FunctionDef, ast.expr, int | None, bool]"


def self_of(name: str, scope: Scope) -> Instance | None:
    """What the first parameter of a method is."""
    owner, node = scope.parent, scope.node
    if owner is None or not isinstance(owner.node, ast.ClassDef):
        return None
    if isinstance(node, ast.Module | ast.ClassDef) or not node.args.args:
        return None
    if node.args.args[0].arg != name:
        return None
    decorators = {d.id for d in node.decorator_list if isinstance(d, ast.Name)}
    if "staticmethod" in decorators:
        return None
    return Instance(owner.node, owner, "" if "classmethod" in decorators else SELF)


def is_property(method: ast.FunctionDef | ast.AsyncFunctionDef) -> bool:
    """Whether an attribute is what a method returns, or another decorator makes of it."""
    return any(
        isinstance(d, ast.Attribute | ast.Name)
        and (d.attr if isinstance(d, ast.Attribute) else d.id)
        in ("property", "cached_property", "setter", "getter")
        for d in method.decorator_list
    )


def is_open_field(module: ast.AST, owner: ast.ClassDef, name: str) -> bool:
    """Whether something but the methods of a class may assign an attribute of its objects."""
    set_there = _set_in(module)
    return (
        name in set_there
        or None in set_there
        or any(
            _assigns(derived, name) for derived in _derived(module, frozenset([owner.name]), owner)
        )
        or name in _loosely_assigned(owner)
    )


@lru_cache(maxsize=16)
def _set_in(module: ast.AST) -> frozenset[str | None]:
    """The attributes that a file sets on anything but the object of a method; None for any."""
    found: set[str | None] = set()
    for node in nodes(module):
        match node:
            case ast.Attribute(value=ast.Name(id="self" | "cls"), ctx=ast.Store()):
                pass
            case ast.Attribute(attr=name, ctx=ast.Store() | ast.Del()):
                found.add(name)
            case ast.Call(func=ast.Name(id="setattr"), args=[_, ast.Constant(value=str(name)), _]):
                found.add(name)
            case ast.Call(func=ast.Name(id="setattr")):
                found.add(None)
            case (
                ast.Call(func=ast.Attribute(value=ast.Attribute(attr="__dict__"), attr="update"))
                | ast.Subscript(value=ast.Attribute(attr="__dict__"), ctx=ast.Store())
            ):
                found.add(None)
            case _:
                pass
    return frozenset(found)


def _derived(module: ast.AST, names: frozenset[str], owner: ast.ClassDef) -> Iterator[ast.ClassDef]:
    """The classes of a file that are derived from one with such a name."""
    while True:
        found = [
            node
            for node in _classes(module)
            if node is not owner
            and any(isinstance(b, ast.Name) and b.id in names for b in node.bases)
        ]
        more = names | {node.name for node in found}
        if more == names:
            yield from found
            return
        names = more


@lru_cache(maxsize=16)
def _classes(module: ast.AST) -> tuple[ast.ClassDef, ...]:
    """The classes of a file, wherever they stand."""
    return tuple(node for node in nodes(module) if isinstance(node, ast.ClassDef))


@lru_cache(maxsize=1024)
def _assigns(owner: ast.ClassDef, name: str) -> bool:
    return any(
        isinstance(node, ast.Name | ast.Attribute)
        and isinstance(node.ctx, ast.Store)
        and name == (node.id if isinstance(node, ast.Name) else node.attr)
        for node in nodes(owner)
    ) or any(
        isinstance(method, ast.FunctionDef | ast.AsyncFunctionDef) and method.name == name
        for method in owner.body
    )


@lru_cache(maxsize=256)
def assigned_fields(owner: ast.ClassDef) -> Mapping[str, Sequence[_Given]]:
    """What the methods of a class assign to attributes of their objects, `None` apart."""
    found: dict[str, list[_Given]] = {}
    for method in owner.body:
        if not isinstance(method, ast.FunctionDef) or not method.args.args:
            continue
        own = method.args.args[0].arg
        certain = set(map(id, _each_time(method)))
        for node in nodes(method):
            for place, part, value in _targets(node):
                match part:
                    case ast.Attribute(value=ast.Name(id=base), attr=name) if base == own:
                        is_none = isinstance(value, ast.Constant) and value.value is None
                        if value is not None and not is_none:
                            given = method, value, place, id(node) in certain
                            found.setdefault(name, []).append(given)
                    case _:
                        pass
    assigners = {name: {m.name for m, *_ in values} for name, values in found.items()}
    return {
        name: [
            (method, value, place, is_certain and _is_of_now(owner, method, assigners))
            for method, value, place, is_certain in values
        ]
        for name, values in found.items()
    }


def _is_of_now(
    owner: ast.ClassDef, method: ast.FunctionDef, assigners: Mapping[str, set[str]]
) -> bool:
    """Whether a method reads no attribute that another one may assign later, when what was made
    of it stays as it is."""
    methods = {m.name: m for m in owner.body if isinstance(m, ast.FunctionDef)}
    read = _read_in(method)
    if not read.isdisjoint(methods):
        read = frozenset[str]().union(*map(_read_in, methods.values()))
    return all(assigners[name] <= {"__init__", method.name} for name in read & assigners.keys())


def _read_in(method: ast.FunctionDef) -> frozenset[str]:
    return frozenset(
        node.attr
        for node in nodes(method)
        if isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Load)
    )


def _targets(node: ast.AST) -> Iterator[tuple[int | None, ast.expr, ast.expr | None]]:
    """What a statement assigns: the place in a tuple, the target, the value."""
    match node:
        case ast.Assign(targets=targets, value=value):
            for target in targets:
                if isinstance(target, ast.Tuple):
                    yield from ((place, part, value) for place, part in enumerate(target.elts))
                else:
                    yield None, target, value
        case ast.AnnAssign(target=target, value=value):
            yield None, target, value
        case ast.AugAssign(target=target):
            # A value that is made of itself is none that is known.
            yield None, target, target
        case _:
            return


def _each_time(method: ast.FunctionDef) -> Iterator[ast.stmt]:
    """The statements that each call of a method comes to, `with` being no way round them."""
    pending = list(reversed(method.body))
    while pending:
        statement = pending.pop()
        yield statement
        if isinstance(statement, ast.With):
            pending += reversed(statement.body)
        elif any(isinstance(inner, ast.Return) for inner in ast.walk(statement)):
            return


@lru_cache(maxsize=256)
def _loosely_assigned(owner: ast.ClassDef) -> frozenset[str]:
    """The attributes that something else than an assignment sets (`for self.n in …`), or that the
    method that assigns them reads before."""
    given = assigned_fields(owner)
    plain = [
        id(part) for method in owner.body for node in nodes(method) for _, part, _ in _targets(node)
    ]
    found = {
        node.attr
        for method in owner.body
        for node in nodes(method)
        if isinstance(node, ast.Attribute)
        and not isinstance(node.ctx, ast.Load)
        and id(node) not in plain
    }
    for name, values in given.items():
        if len(values) == 1 and _is_read_before(values[0][0], name, values[0][1]):
            found.add(name)
    return frozenset(found)


def _is_read_before(method: ast.FunctionDef, name: str, value: ast.expr) -> bool:
    return method.name != "__init__" and any(
        isinstance(node, ast.Attribute)
        and node.attr == name
        and isinstance(node.ctx, ast.Load)
        and (node.lineno, node.col_offset) < (value.end_lineno or 0, value.end_col_offset or 0)
        for node in own_statements(method)
    )


@lru_cache(maxsize=256)
def one_memory(owner: ast.ClassDef) -> Mapping[str, str]:
    """By the names of attributes that are assigned to others, `self.old = self.new`, one name for
    all of them, if more is assigned to one of them; those that change places stay apart."""
    found: dict[str, str] = {}
    assigned = assigned_fields(owner)
    for method in owner.body:
        for node in own_statements(method):
            match node:
                case ast.Assign(
                    targets=[ast.Attribute(value=ast.Name(), attr=one)],
                    value=ast.Attribute(value=ast.Name(), attr=other),
                ) if len(assigned.get(one, ())) + len(assigned.get(other, ())) > len((one, other)):
                    _join(found, one, other)
                case _:
                    pass
    return found


@lru_cache(maxsize=16)
def set_alike(module: ast.AST) -> Mapping[str, str]:
    """The same of attributes that are set from outside: `b.x = a.y`, `a.x = u; a.y = u`."""
    found: dict[str, str] = {}
    for node in nodes(module):
        match node:
            case ast.Assign(
                targets=[ast.Attribute(value=ast.Name(id=owner), attr=one)],
                value=ast.Attribute(attr=source) | ast.Name(id=source),
            ) if owner not in (SELF, "cls"):
                is_name = isinstance(node.value, ast.Name)
                other = f"={source}" if is_name else source
                _join(found, one, other)
            case _:
                pass
    return found


def _join(found: dict[str, str], one: str, other: str) -> None:
    """Two names, and all that is one with the second, are one with the first."""
    first, second = found.get(one, one), found.get(other, other)
    for name in {one, other, *(n for n, of in found.items() if of == second)}:
        found[name] = first
