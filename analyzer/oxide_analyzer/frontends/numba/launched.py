"""A launch that host code makes, and the functions in which one may stand."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING

from oxide_analyzer.frontends.numba.quantities import (
    Configured,
    HostArray,
    HostValue,
    NotKnown,
    Sizes,
    Table,
    symbols_of,
)
from oxide_analyzer.frontends.oxide.trees import nodes
from oxide_analyzer.record import distinct
from oxide_analyzer.sizes import Symbol

if TYPE_CHECKING:
    from collections.abc import Iterator

    from oxide_analyzer.frontends.numba.host import Host
    from oxide_analyzer.frontends.oxide.scopes import FunctionNode, Scope


@distinct
class LaunchCall:
    """A launch: the kernel with its configuration, and what it is given."""

    configured: Configured
    arguments: tuple[HostValue, ...]
    keywords: tuple[tuple[str, HostValue], ...]
    call: ast.Call
    scope: Scope
    # Whether its function is followed from a call, with what that passes.
    is_called: bool = False

    @property
    def is_complete(self) -> bool:
        """Whether what it does not name is not given: all that it passes is written out, and
        known."""
        call, names = self.call, [keyword.arg for keyword in self.call.keywords]
        is_plain = None not in names and not any(isinstance(a, ast.Starred) for a in call.args)
        return is_plain and len(self.arguments) >= len(call.args)

    @property
    def is_open(self) -> bool:
        """Whether something of the grid or block is known by a name alone that says nothing
        of the arguments."""
        given = frozenset[str]().union(*map(symbols_of, self.arguments))
        given = given.union(*(symbols_of(value) for _, value in self.keywords))
        match self.configured:
            case Configured(tasks=tasks) if tasks is not None:
                parts: tuple[HostValue, ...] = (tasks,)
            case Configured(configuration=Sizes(items=items)) if len(items) > 1:
                parts = items[:2]
            case _:
                return True
        return any(
            isinstance(inner, NotKnown)
            or (isinstance(inner, HostArray | Symbol) and not symbols_of(inner) <= given)
            for value in parts
            for inner in (value.items if isinstance(value, Sizes) else (value,))
        )


def given(
    call: ast.Call, host: Host
) -> tuple[tuple[HostValue, ...], tuple[tuple[str, HostValue], ...]]:
    """What a call passes by place, up to where nobody knows how much it is, and by name."""
    arguments: list[HostValue] = []
    for argument in call.args:
        if isinstance(argument, ast.Starred):
            held = host.value(argument.value)
            if not isinstance(held, Sizes):
                break
            arguments += held.items
        else:
            arguments.append(host.value(argument))
    keywords: list[tuple[str, HostValue]] = []
    for keyword in call.keywords:
        value = host.value(keyword.value)
        if keyword.arg is not None:
            keywords.append((keyword.arg, value))
        elif isinstance(value, Table):
            keywords += [(str(key), one) for key, one in value.items]
    return tuple(arguments), tuple(keywords)


def definitions(body: list[ast.stmt]) -> Iterator[FunctionNode | ast.ClassDef]:
    """The functions and classes that statements define, wherever they stand in them."""
    for statement in body:
        if isinstance(statement, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            yield statement
            continue
        for child in ast.iter_child_nodes(statement):
            if isinstance(child, ast.stmt):
                yield from definitions([child])
            elif isinstance(child, ast.ExceptHandler | ast.match_case):
                yield from definitions(child.body)


def may_launch(node: FunctionNode) -> bool:
    """Whether a function has a call that may be a launch."""
    return any(
        (isinstance(inner, ast.Call) and isinstance(inner.func, ast.Subscript | ast.Call))
        or (isinstance(inner, ast.Assign) and isinstance(inner.value, ast.Subscript | ast.Call))
        for inner in nodes(node)
    )


def name_of_call(node: ast.expr) -> str:
    """The name of what is called, or mentioned."""
    return name_of(node.func) if isinstance(node, ast.Call) else name_of(node)


def name_of(node: ast.expr) -> str:
    """The last part of a dotted name."""
    match node:
        case ast.Name(id=name) | ast.Attribute(attr=name):
            return name
        case _:
            return ""
