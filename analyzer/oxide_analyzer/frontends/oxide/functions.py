"""What the body of a function says before a statement of it is lowered."""

from __future__ import annotations

import ast
import re
from functools import lru_cache
from typing import TYPE_CHECKING

from oxide_analyzer.record import record
from oxide_analyzer.source import Span

if TYPE_CHECKING:
    from collections.abc import Iterator

    from oxide_analyzer.frontends.oxide.scopes import FunctionNode
    from oxide_analyzer.source import SourceFile


@record
class Body:
    """Statements behind the doc string; how often each name is assigned; annotated locals."""

    statements: list[ast.stmt]
    documentation: str
    assigned: dict[str, int]
    annotations: dict[str, ast.expr]
    returns_value: bool


@lru_cache(maxsize=1024)
def body_of(node: FunctionNode) -> Body:
    """The body of a function; nested functions and classes are only names in it."""
    documentation = ast.get_docstring(node) or ""
    first = node.body[0]
    has_text = isinstance(first, ast.Expr) and isinstance(first.value, ast.Constant)
    statements = node.body[1:] if has_text and documentation else node.body
    assigned: dict[str, int] = {}
    annotations: dict[str, ast.expr] = {}
    returns_value = False
    for statement in _statements(statements):
        for name in _names(statement):
            assigned[name] = assigned.get(name, 0) + 1
        if isinstance(statement, ast.For | ast.While) and statement.orelse:
            # Assigned before the loop and at each `break`.
            assigned[name_of_end(statement)] = 2
        match statement:
            case ast.AnnAssign(target=ast.Name(id=name), annotation=annotation):
                annotations.setdefault(name, annotation)
            case ast.Return(value=value):
                returns_value = returns_value or value is not None
            case _:
                pass
    return Body(statements, documentation, assigned, annotations, returns_value)


def name_of_end(loop: ast.For | ast.While) -> str:
    """What a loop with `else` notes its `break` in: a name as nobody writes it."""
    return f"left·{loop.lineno}·{loop.col_offset}"


def name_span(node: FunctionNode, source: SourceFile) -> Span:
    """Where the name of a function stands in its `def`."""
    start = source.span(node).start()
    line = source.line(start.line)
    found = re.compile(r"(?:async\s+)?def\s+").match(line, start.column - 1)
    column = found.end() + 1 if found else start.column
    return Span(source.path, start.line, column, start.line, column + len(node.name))


def _statements(body: list[ast.stmt]) -> Iterator[ast.stmt]:
    for statement in body:
        yield statement
        match statement:
            case ast.For(body=inner, orelse=orelse) | ast.While(body=inner, orelse=orelse):
                yield from _statements(inner)
                yield from _statements(orelse)
            case ast.If(body=inner, orelse=orelse):
                yield from _statements(inner)
                yield from _statements(orelse)
            case ast.With(body=inner):
                yield from _statements(inner)
            case ast.Try(body=inner, handlers=handlers, orelse=orelse, finalbody=final):
                yield from _statements(inner)
                for handler in handlers:
                    yield from _statements(handler.body)
                yield from _statements(orelse)
                yield from _statements(final)
            case ast.Match(cases=cases):
                for case in cases:
                    yield from _statements(case.body)
            case _:
                pass


def _names(statement: ast.stmt) -> Iterator[str]:
    match statement:
        case ast.Assign(targets=targets):
            for target in targets:
                yield from _targets(target)
        case ast.AugAssign(target=target) | ast.AnnAssign(target=target) | ast.For(target=target):
            yield from _targets(target)
        case ast.With(items=items):
            for item in items:
                if item.optional_vars is not None:
                    yield from _targets(item.optional_vars)
        case ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name) | ast.ClassDef(name=name):
            yield name
        case ast.Import(names=names) | ast.ImportFrom(names=names):
            for alias in names:
                yield alias.asname or alias.name.partition(".")[0]
        case ast.Try(handlers=handlers):
            for handler in handlers:
                if handler.name is not None:
                    yield handler.name
        case ast.Match(cases=cases):
            for case in cases:
                for part in ast.walk(case.pattern):
                    if isinstance(part, ast.MatchAs | ast.MatchStar) and part.name is not None:
                        yield part.name
        case _:
            pass


def _targets(target: ast.expr) -> Iterator[str]:
    match target:
        case ast.Name(id=name):
            yield name
        case ast.Tuple(elts=elements) | ast.List(elts=elements):
            for element in elements:
                yield from _targets(element)
        case ast.Starred(value=value):
            yield from _targets(value)
        case _:
            pass
