"""Explicit signatures: what a decorator says of the parameters.

    @cuda.jit("void(float32[:, :], int32)")       a: f32, two dimensions; n: i32
    @cuda.jit(void(f4[:], i4))
    @cuda.jit((float32[::1], int64))
    @cuda.jit([sig, another])                     the first one is read

Scalar parameters are taken for what they are; integers of 32 bits too, because Numba converts what
it is given. What cannot be read is left to the uses of the parameters. Of a function that kernels
call it says what becomes of the numbers that it is given and gives:

    @cuda.jit("float32(float32)", device=True)    half(0.1) is half(float32(0.1)), as a float32
"""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING

from oxide_analyzer.frontends.numba import dtypes
from oxide_analyzer.frontends.numba.given import Convention
from oxide_analyzer.frontends.oxide.meanings import Known
from oxide_analyzer.language import numba
from oxide_analyzer.language.records import COMPLEXES
from oxide_analyzer.language.types import SCALARS
from oxide_analyzer.record import record

if TYPE_CHECKING:
    from collections.abc import Iterator

    from oxide_analyzer.frontends.numba.resolution import NumbaResolver
    from oxide_analyzer.frontends.oxide.scopes import Scope
    from oxide_analyzer.language.records import Element


@record
class Declared:
    """The type of one parameter: of an array its elements and rank, of a scalar rank 0."""

    element: Element
    rank: int = 0


def convention(
    decorators: list[ast.expr], scope: Scope, resolver: NumbaResolver
) -> Convention | None:
    """What the only signature of a function says; None where there is none, or several."""
    for given in _given(decorators, scope, resolver):
        only = given.elts[0] if isinstance(given, ast.List) and len(given.elts) == 1 else given
        if isinstance(only, ast.List):
            return None
        parsed, quoted = _parsed(only)
        if parsed is None:
            return None
        types = _types(_arguments(parsed), scope, resolver, quoted=quoted)
        result = parsed.func if isinstance(parsed, ast.Call) else None
        returned = None if result is None else _type(result, scope, resolver, quoted)
        return Convention(
            tuple(None if type is None or type.rank else type.element for type in types),
            None if returned is None or returned.rank else returned.element,
        )
    return None


def declared(
    decorators: list[ast.expr], scope: Scope, resolver: NumbaResolver
) -> tuple[Declared | None, ...]:
    """The parameters in order, as the decorator types them; empty where it does not."""
    for given in _given(decorators, scope, resolver):
        first = given.elts[0] if isinstance(given, ast.List) and given.elts else given
        parsed, quoted = _parsed(first)
        return () if parsed is None else _types(_arguments(parsed), scope, resolver, quoted=quoted)
    return ()


def _given(decorators: list[ast.expr], scope: Scope, resolver: NumbaResolver) -> Iterator[ast.expr]:
    """What decorators are given as a signature."""
    for decorator in decorators:
        if not isinstance(decorator, ast.Call) or not resolver.is_jit(decorator, scope):
            continue
        given = decorator.args[0] if decorator.args else None
        for keyword in decorator.keywords:
            if keyword.arg in ("signature", "argtypes", "func_or_sig"):
                given = keyword.value
        if given is not None:
            yield given


def _parsed(node: ast.expr) -> tuple[ast.expr | None, bool]:
    """A signature as an expression, and whether it was text."""
    match node:
        case ast.Constant(value=str(text)):
            try:
                return ast.parse(text.strip(), mode="eval").body, True
            except (SyntaxError, ValueError, RecursionError, MemoryError):
                return None, True
        case _:
            return node, False


def _arguments(node: ast.expr) -> list[ast.expr]:
    match node:
        case ast.Call(args=arguments):
            return arguments
        case ast.Tuple(elts=elements):
            return elements
        case _:
            return []


def _types(
    nodes: list[ast.expr], scope: Scope, resolver: NumbaResolver, *, quoted: bool
) -> tuple[Declared | None, ...]:
    return tuple(_type(node, scope, resolver, quoted) for node in nodes)


def _type(node: ast.expr, scope: Scope, resolver: NumbaResolver, quoted: bool) -> Declared | None:
    match node:
        case ast.Subscript(value=value, slice=index):
            inner = _scalar(value, scope, resolver, quoted)
            parts = index.elts if isinstance(index, ast.Tuple) else [index]
            whole = all(isinstance(part, ast.Slice) for part in parts)
            return Declared(inner, len(parts)) if inner is not None and whole else None
        case _:
            found = _scalar(node, scope, resolver, quoted)
            return Declared(found) if found is not None else None


def _scalar(node: ast.expr, scope: Scope, resolver: NumbaResolver, quoted: bool) -> Element | None:
    name = None
    if quoted and isinstance(node, ast.Name):
        name = numba.EXPORTS.get(
            f"numba.{node.id}", {"float": "f64", "int": "i64", "complex": "complex128"}.get(node.id)
        )
    elif not quoted:
        match resolver.expression(node, scope):
            case Known(builtin=row):
                name = row.name
            case _:
                return dtypes.element(node, scope, resolver)
    return SCALARS.get(name) or COMPLEXES.get(name) if name is not None else None
