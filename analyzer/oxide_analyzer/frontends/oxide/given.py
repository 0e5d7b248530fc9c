"""What a launch says about a kernel before it is read once more: types and functions.

A kernel with type variables or `Callable` parameters stands for many. To the checker they are open;
a launch knows the types of its arrays, and the functions that it is given with the types of the
numbers that they capture.
"""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING

from oxide_analyzer.frontends.oxide.callables import as_function
from oxide_analyzer.frontends.oxide.meanings import LAMBDA, FunctionRole, UserFunction
from oxide_analyzer.frontends.oxide.parsing import parse
from oxide_analyzer.frontends.oxide.scopes import module_scope
from oxide_analyzer.record import distinct, record

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from oxide_analyzer.frontends.oxide.scopes import Scope
    from oxide_analyzer.language.types import Scalar
    from oxide_analyzer.source import SourceFile


@record
class Captured:
    """A number in a cell of a function; a Python number adapts as a literal does."""

    type: Scalar
    adapts: bool


@distinct
class GivenFunction:
    """A function that a launch was given for a parameter, and what its cells hold."""

    function: UserFunction
    captured: Mapping[str, Captured]


@distinct
class Given:
    """Types by the names of type variables and `Const[type[…]]` arguments; functions by those of
    parameters."""

    types: Mapping[str, Scalar]
    functions: Mapping[str, GivenFunction]


NOTHING_GIVEN = Given({}, {})


def find_function(source: SourceFile, name: str, line: int) -> UserFunction | None:
    """The `def` of that qualified name whose first line, decorators included, is `line`."""
    for node, scope in _definitions(source):
        if isinstance(node, ast.Lambda) or scope.qualify(node.name) != name:
            continue
        first = min([node.lineno, *(one.lineno for one in node.decorator_list)])
        if first == line:
            decorated = FunctionRole.DEVICE if node.decorator_list else FunctionRole.PLAIN
            return UserFunction(node, scope, decorated)
    return None


def find_lambda(
    source: SourceFile, line: int, places: frozenset[tuple[int, int, int, int]]
) -> UserFunction | None:
    """The lambda that starts on `line` and whose body is all that lies at `places`.

    They are lines and columns as Python's code objects have them; without them, the one lambda
    that starts on the line.
    """
    found = [
        (node, scope)
        for node, scope in _definitions(source)
        if isinstance(node, ast.Lambda) and node.lineno == line and _holds(node.body, places)
    ]
    if not found or (not places and len(found) > 1):
        return None
    node, scope = min(found, key=lambda one: _size(one[0]))
    assert isinstance(node, ast.Lambda)
    return UserFunction(as_function(node), scope, FunctionRole.DEVICE)


def is_lambda(name: str) -> bool:
    """Whether Python gives this name to lambdas."""
    return name == LAMBDA


def _holds(body: ast.expr, places: frozenset[tuple[int, int, int, int]]) -> bool:
    start = body.lineno, body.col_offset
    end = body.end_lineno or 0, body.end_col_offset or 0
    return all(start <= place[:2] and place[2:] <= end for place in places)


def _size(node: ast.AST) -> int:
    return sum(1 for _ in ast.walk(node))


def _definitions(
    source: SourceFile,
) -> Iterator[tuple[ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda, Scope]]:
    """Every function of a file with the scope that it stands in."""
    tree = parse(source)
    if not isinstance(tree, ast.Module):
        return
    todo: list[tuple[ast.AST, Scope]] = [(tree, module_scope(source, tree))]
    while todo:
        node, scope = todo.pop()
        for child in ast.iter_child_nodes(node):
            match child:
                case ast.FunctionDef() | ast.AsyncFunctionDef():
                    yield child, scope
                    todo.append((child, scope.inner(child)))
                case ast.ClassDef():
                    todo.append((child, scope.inner(child)))
                case ast.Lambda():
                    yield child, scope
                    todo.append((child, scope))
                case _:
                    todo.append((child, scope))
