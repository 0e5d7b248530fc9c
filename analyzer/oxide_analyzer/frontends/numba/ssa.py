"""Names that hold things of several types, as Numba types them: one type for each assignment.

Numba brings a function into static single assignment form, gives each version of a name a type,
and where versions meet, the type that holds them all. So a name may be an index and then a length,
an array and then a number. Here only names that need it are taken apart: `split` rewrites the
statements of a body so that each version has a name of its own, `x#1`, and copies stand where
versions meet.

    x = cuda.grid(1)              x#1 = cuda.grid(1)
    k = a[x]                      k = a[x#1]
    x = 0                         x#2 = 0
                                  x#3 = x#2
    for j in range(k):       is   for j in range(k):
        x = x + 0.5                   x#4 = x#3 + 0.5
                                      x#3 = x#4
    out[0] = x                    out[0] = x#3

The types follow: x#1 is i64, x#2 is i64, x#3 and x#4 are f64. Copies that nobody reads are left
out. A name that is assigned in a `with`, `try` or `match`, or by `:=`, keeps its one type.
"""

from __future__ import annotations

import ast
from copy import copy
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, TypeAlias, TypeVar

from oxide_analyzer.frontends.numba import otherwise
from oxide_analyzer.frontends.numba.lone_records import as_elements
from oxide_analyzer.frontends.oxide.functions import body_of
from oxide_analyzer.frontends.oxide.scopes import parameters

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from oxide_analyzer.frontends.oxide.functions import Body
    from oxide_analyzer.frontends.oxide.scopes import FunctionNode

MARK = "#"
"""What stands between a name and its version; no name of Python has it."""

Versions: TypeAlias = "dict[str, str | None]"
"""What each name is called at a place; None where nothing is assigned yet."""

_Node = TypeVar("_Node", bound=ast.AST)
_WHOLE = (ast.With, ast.AsyncWith, ast.AsyncFor, ast.Try, ast.Match)
_NAMED = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)
_OTHERS = (
    *_NAMED,
    ast.Import,
    ast.ImportFrom,
    ast.Delete,
    ast.Global,
    ast.Nonlocal,
)


class Bodies:
    """The bodies of functions, in which some names are taken apart."""

    def __init__(self) -> None:
        self._names: dict[FunctionNode, frozenset[str]] = {}
        self._made: dict[FunctionNode, Body] = {}
        self._alone: dict[FunctionNode, Body] = {}

    def read_elements(self, node: FunctionNode, names: frozenset[str]) -> None:
        """These parameters of a function are arrays of one record."""
        if node not in self._alone:
            self._alone[node] = as_elements(body_of(node), names)

    def _body_of(self, node: FunctionNode) -> Body:
        return self._alone.get(node) or body_of(node)

    def of(self, node: FunctionNode) -> Body:
        """The body of a function."""
        names = self._names.get(node)
        if names is None:
            return self._body_of(node)
        made = self._made.get(node)
        if made is None:
            given = {argument.arg for argument, _ in parameters(node)}
            made = self._made[node] = split(self._body_of(node), names, given)
        return made

    def take_apart(self, places: set[tuple[FunctionNode, str]]) -> bool:
        """From now on take these names apart as well; whether that says anything new."""
        is_new = False
        for node, name in places:
            known = self._names.get(node, frozenset())
            body = self._body_of(node)
            is_own = name in body.assigned and MARK not in name
            if is_own and name not in known:
                self._names[node] = known | {name}
                self._made.pop(node, None)
                is_new = True
        return is_new


def split(body: Body, names: frozenset[str], given: Iterable[str]) -> Body:
    """The body with a name for each version of `names`; `given` are the parameters."""
    names -= frozenset(_kept_whole(body.statements))
    if not names or _leaves_whole(body.statements):
        return body
    splitter = _Splitter(names)
    begin: Versions = {name: name if name in set(given) else None for name in names}
    statements, _ = splitter.block(body.statements, begin)
    splitter.prune(statements)
    assigned = {name: n for name, n in body.assigned.items() if begin.get(name) is None}
    assigned.update(_counted(statements))
    return replace(body, statements=statements, assigned=assigned)


def name_of(version: str) -> str:
    """The name that a version is one of."""
    return version.partition(MARK)[0]


@dataclass(slots=True)
class _Loop:
    """A loop that is being read: the statements that end its rounds, and the loop itself, with
    what names are called there."""

    rounds: list[tuple[list[ast.stmt], Versions]] = field(
        default_factory=list[tuple[list[ast.stmt], "Versions"]]
    )
    breaks: list[tuple[list[ast.stmt], Versions]] = field(
        default_factory=list[tuple[list[ast.stmt], "Versions"]]
    )


class _Splitter:
    """One body that is being rewritten."""

    def __init__(self, names: frozenset[str]) -> None:
        self._names = names
        self._counts = dict.fromkeys(names, 0)
        self._copies: set[int] = set()
        self._loops: list[_Loop] = []

    # ------------------------------------------------------------ statements

    def block(self, body: list[ast.stmt], held: Versions) -> tuple[list[ast.stmt], Versions | None]:
        """The statements, and what names are called behind them; None if nothing comes there."""
        found: list[ast.stmt] = []
        for statement in body:
            after = self._statement(statement, held, found)
            if after is None:
                return found, None
            held = after
        return found, held

    def _statement(self, node: ast.stmt, held: Versions, found: list[ast.stmt]) -> Versions | None:
        match node:
            case ast.If():
                return self._branch(node, held, found)
            case ast.For() | ast.While() if node.orelse:
                after: Versions | None = held
                for plain in otherwise.plain(node):
                    if after is not None:
                        after = self._statement(plain, after, found)
                return after
            case ast.For() | ast.While():
                return self._loop(node, held, found)
            case ast.Break() | ast.Continue() if self._loops:
                loop = self._loops[-1]
                ends = loop.breaks if isinstance(node, ast.Break) else loop.rounds
                found.append(node)
                ends.append((found, held))
                return None
            case ast.Return() | ast.Raise():
                found.append(self._read(node, held))
                return None
            case ast.AugAssign(target=ast.Name(id=name) as target) if name in self._names:
                left = ast.copy_location(ast.Name(name, ast.Load()), target)
                value = ast.copy_location(ast.BinOp(left, node.op, node.value), node)
                made = ast.copy_location(ast.Assign([target], value), node)
                return self._assign(made, held, found)
            case ast.Assign() if any(name in self._names for name in _bound(node.targets)):
                return self._assign(node, held, found)
            case ast.AnnAssign(target=ast.Name(id=name), value=value) if name in self._names:
                if value is None:
                    return held
                made = ast.copy_location(ast.Assign([node.target], value), node)
                return self._assign(made, held, found)
            case _:
                found.append(self._read(node, held))
                return held

    def _assign(self, node: ast.Assign, held: Versions, found: list[ast.stmt]) -> Versions:
        made = copy(node)
        made.value = self._read(node.value, held)
        held = dict(held)
        made.targets = [self._target(target, held) for target in node.targets]
        found.append(made)
        return held

    def _target(self, node: ast.expr, held: Versions) -> ast.expr:
        """A target, whose names have new versions in `held` from here on."""
        match node:
            case ast.Name(id=name) if name in self._names:
                held[name] = self._version(name)
                return self._named(held[name] or name, node, ast.Store())
            case ast.Tuple(elts=elements) | ast.List(elts=elements):
                made = copy(node)
                made.elts = [self._target(element, held) for element in elements]
                return made
            case ast.Starred(value=value):
                starred = copy(node)
                starred.value = self._target(value, held)
                return starred
            case _:
                return self._read(node, held)

    def _branch(self, node: ast.If, held: Versions, found: list[ast.stmt]) -> Versions | None:
        made = copy(node)
        made.test = self._read(node.test, held)
        made.body, then = self.block(node.body, dict(held))
        made.orelse, other = self.block(node.orelse, dict(held))
        found.append(made)
        if then is None or other is None:
            return other if then is None else then
        after: Versions = {}
        for name in self._sorted():
            one, two = then[name], other[name]
            if one == two or one is None or two is None:
                after[name] = one if two is None else two
                continue
            after[name] = met = self._version(name)
            made.body.append(self._copy(met, one, node))
            made.orelse.append(self._copy(met, two, node))
        return after

    def _loop(self, node: ast.For | ast.While, held: Versions, found: list[ast.stmt]) -> Versions:
        made = copy(node)
        changed = self._names.intersection(_bound_within(node))
        heads = {name: self._version(name) for name in sorted(changed)}
        inside: Versions = {**held, **heads}
        if isinstance(made, ast.For):
            made.iter = self._read(made.iter, held)
            made.target = self._target(made.target, inside)
        else:
            made.test = self._read(made.test, inside)
        loop = _Loop()
        self._loops.append(loop)
        made.body, end = self.block(node.body, inside)
        self._loops.pop()
        if end is not None:
            loop.rounds.append((made.body, end))
        after: Versions = {**held, **heads}
        for name, head in heads.items():
            left = {versions[name] for _, versions in loop.breaks} - {head}
            # What a `break` leaves behind has a version of its own, which is the head's as long
            # as there was none.
            out = self._version(name) if left else None
            after[name] = out or head
            met = [head] if out is None or _is_endless(node) else [head, out]
            self._meet(met, found, held[name], node)
            for body, versions in loop.rounds:
                self._meet(met, body, versions[name], node)
            if out is not None:
                for body, versions in loop.breaks:
                    self._meet([out], body, versions[name], node)
        found.append(made)
        return after

    def _meet(
        self, targets: list[str], body: list[ast.stmt], version: str | None, node: ast.stmt
    ) -> None:
        """Copies of a version, at the end of statements or where these leave a round."""
        if version is None or version == targets[0]:
            return
        leaves = bool(body) and isinstance(body[-1], ast.Break | ast.Continue)
        at = len(body) - leaves
        body[at:at] = [self._copy(target, version, node) for target in targets]

    # ------------------------------------------------------------ names

    def _sorted(self) -> list[str]:
        return sorted(self._names)

    def _version(self, name: str) -> str:
        self._counts[name] += 1
        return f"{name}{MARK}{self._counts[name]}"

    def _named(self, version: str, at: ast.AST, context: ast.expr_context) -> ast.Name:
        return ast.copy_location(ast.Name(version, context), at)

    def _copy(self, target: str, source: str, node: ast.stmt) -> ast.stmt:
        """`target = source`; it stands where what makes versions meet begins."""
        into = self._named(target, node, ast.Store())
        made = ast.Assign([into], self._named(source, node, ast.Load()))
        for part in (made, into, made.value):
            ast.copy_location(part, node)
            part.end_lineno, part.end_col_offset = node.lineno, node.col_offset
        self._copies.add(id(made))
        return made

    def _read(self, node: _Node, held: Versions) -> _Node:
        """The node with names as they are called now; what holds none of them is itself."""
        if isinstance(node, ast.Name):
            version = held.get(node.id)
            if version is None or version == node.id:
                return node
            return self._named(version, node, node.ctx)  # type: ignore[return-value]
        made: _Node | None = None
        for name, value in ast.iter_fields(node):
            new = value
            if isinstance(value, ast.AST):
                new = self._read(value, held)
            elif isinstance(value, list):
                parts = [self._read(v, held) if isinstance(v, ast.AST) else v for v in value]
                if any(a is not b for a, b in zip(parts, value, strict=True)):
                    new = parts
            if new is not value:
                if made is None:
                    made = copy(node)
                setattr(made, name, new)
        return node if made is None else made

    # ------------------------------------------------------------ copies that nobody reads

    def prune(self, statements: list[ast.stmt]) -> None:
        """Leave out the copies that nobody reads."""
        sources: dict[str, list[str]] = {}
        live: list[str] = []
        for node in _walk(statements):
            if id(node) in self._copies:
                target, source = _sides(node)
                sources.setdefault(target, []).append(source)
            else:
                live += _read_by(node)
        read: set[str] = set()
        while live:
            version = live.pop()
            if version not in read:
                read.add(version)
                live += sources.get(version, ())
        self._keep(statements, read)

    def _keep(self, statements: list[ast.stmt], read: set[str]) -> None:
        statements[:] = [
            node for node in statements if id(node) not in self._copies or _sides(node)[0] in read
        ]
        for node in statements:
            for inner in _blocks(node):
                self._keep(inner, read)


def _sides(node: ast.stmt) -> tuple[str, str]:
    """The two names of a copy."""
    match node:
        case ast.Assign(targets=[ast.Name(id=target)], value=ast.Name(id=source)):
            return target, source
        case _:
            raise TypeError(f"no copy: {ast.dump(node)}")


def _blocks(node: ast.stmt) -> list[list[ast.stmt]]:
    """The statements in one that are taken apart."""
    match node:
        case ast.If(body=body, orelse=orelse):
            return [body, orelse]
        case ast.For(body=body, orelse=orelse) | ast.While(body=body, orelse=orelse):
            return [body, orelse]
        case _:
            return []


def _walk(statements: Sequence[ast.stmt]) -> Iterator[ast.stmt]:
    for node in statements:
        yield node
        for inner in _blocks(node):
            yield from _walk(inner)


def _read_by(node: ast.stmt) -> Iterator[str]:
    """The names that a statement reads, without those of statements in it."""
    inside = {id(inner) for block in _blocks(node) for inner in block}
    for child in ast.iter_child_nodes(node):
        if id(child) in inside:
            continue
        for part in ast.walk(child):
            if isinstance(part, ast.Name) and isinstance(part.ctx, ast.Load):
                yield part.id


def _bound(targets: Sequence[ast.expr]) -> Iterator[str]:
    """The names in targets."""
    for target in targets:
        match target:
            case ast.Name(id=name):
                yield name
            case ast.Tuple(elts=elements) | ast.List(elts=elements):
                yield from _bound(elements)
            case ast.Starred(value=value):
                yield from _bound([value])
            case _:
                pass


def _targets_of(node: ast.AST) -> list[ast.expr]:
    match node:
        case ast.Assign(targets=targets):
            return targets
        case ast.AugAssign(target=target) | ast.AnnAssign(target=target) | ast.For(target=target):
            return [target]
        case _:
            return []


def _bound_within(node: ast.AST) -> set[str]:
    """The names that a statement assigns, or one in it."""
    return {name for inner in ast.walk(node) for name in _bound(_targets_of(inner))}


def _counted(statements: list[ast.stmt]) -> Mapping[str, int]:
    """How often each version is assigned."""
    counts: dict[str, int] = {}
    for node in _walk(statements):
        for name in _bound(_targets_of(node)):
            if MARK in name:
                counts[name] = counts.get(name, 0) + 1
    return counts


def _kept_whole(statements: list[ast.stmt]) -> Iterator[str]:
    """The names that something else than an assignment or a loop binds, or that are bound in what
    is not taken apart."""
    for statement in statements:
        for node in ast.walk(statement):
            if isinstance(node, ast.NamedExpr):
                yield node.target.id
            elif isinstance(node, (*_WHOLE, *_OTHERS)):
                for inner in ast.walk(node):
                    if isinstance(inner, ast.Name) and not isinstance(inner.ctx, ast.Load):
                        yield inner.id
                    elif isinstance(inner, ast.alias):
                        yield (inner.asname or inner.name).partition(".")[0]
                    elif isinstance(
                        inner, (ast.MatchAs, ast.MatchStar, ast.ExceptHandler, *_NAMED)
                    ):
                        yield inner.name or ""
                    elif isinstance(inner, ast.Global | ast.Nonlocal):
                        yield from inner.names


def _leaves_whole(statements: list[ast.stmt]) -> bool:
    """Whether a `break` or `continue` stands in what is not taken apart."""
    return any(
        isinstance(inner, ast.Break | ast.Continue)
        for statement in statements
        for node in ast.walk(statement)
        if isinstance(node, _WHOLE)
        for inner in ast.walk(node)
    )


def _is_endless(node: ast.For | ast.While) -> bool:
    """Whether a loop ends by `break` alone."""
    return (
        isinstance(node, ast.While)
        and isinstance(node.test, ast.Constant)
        and bool(node.test.value)
    )
