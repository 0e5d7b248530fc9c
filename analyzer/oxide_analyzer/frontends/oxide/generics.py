"""Type variables: what they may stand for, and what they do stand for at a call.

    T = TypeVar("T", f32, f64)                      def axpy[T: (f32, f64)](…)

A kernel is read once for each choice of its variables, so in the IR there is none: see `reading`.
A helper is inlined, so each call of it says what its variables are: the element type of an array,
else the type in which the numbers that it is given meet.
"""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING

from oxide_analyzer.frontends.oxide.annotations import BadAnnotation, read_annotation
from oxide_analyzer.frontends.oxide.meanings import TypeVariable
from oxide_analyzer.frontends.oxide.places import scalar_of
from oxide_analyzer.frontends.oxide.scopes import parameters
from oxide_analyzer.frontends.oxide.values import ArrayValue, Give, Number
from oxide_analyzer.language.types import Scalar, join

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from oxide_analyzer.frontends.oxide.lowering import Lowering
    from oxide_analyzer.frontends.oxide.meanings import UserFunction
    from oxide_analyzer.frontends.oxide.resolution import Resolver
    from oxide_analyzer.frontends.oxide.scopes import Scope
    from oxide_analyzer.frontends.oxide.values import Value
    from oxide_analyzer.source import Located


def type_variables(
    function: UserFunction, resolver: Resolver
) -> Mapping[str, tuple[Scalar, ...] | BadAnnotation]:
    """The type variables in the annotations of a function, with the types that each may be."""
    known = resolver.variables.get(id(function.node))
    if known is None:
        known = dict(_variables(function, resolver))
        resolver.variables[id(function.node)] = known
    return known


def _variables(
    function: UserFunction, resolver: Resolver
) -> Iterator[tuple[str, tuple[Scalar, ...] | BadAnnotation]]:
    node, scope = function.node, function.scope
    own = {variable.name: variable for variable in getattr(node, "type_params", [])}
    for name, variable in own.items():
        bound = getattr(variable, "bound", None)
        options = bound.elts if isinstance(bound, ast.Tuple) else ()
        spelling = f"[{name}: (f32, f64)]"
        yield name, _options(name, tuple(options), scope, resolver, spelling)
    seen = set(own)
    for argument, _ in parameters(node):
        for name in _names(argument.annotation):
            if name in seen:
                continue
            seen.add(name)
            match resolver.name(name, scope):
                case TypeVariable(options=options, scope=inside):
                    spelling = f'TypeVar("{name}", f32, f64)'
                    yield name, _options(name, options, inside, resolver, spelling)
                case _:
                    pass


def _options(
    name: str, nodes: tuple[ast.expr, ...], scope: Scope, resolver: Resolver, spelling: str
) -> tuple[Scalar, ...] | BadAnnotation:
    found: list[Scalar] = []
    for node in nodes:
        type = read_annotation(node, scope, resolver)
        if isinstance(type, BadAnnotation):
            return type
        if not isinstance(type, Scalar):
            return BadAnnotation(
                "OX003", f"a type variable such as `{name}` is one of scalar types"
            )
        found.append(type)
    if not found:
        return BadAnnotation(
            "OX003",
            f"`{name}` does not say which types it may be; write `{spelling}`",
        )
    return tuple(dict.fromkeys(found))


def _names(annotation: ast.expr | None) -> Iterator[str]:
    if isinstance(annotation, ast.Constant) and isinstance(annotation.value, str):
        try:
            annotation = ast.parse(annotation.value.strip(), mode="eval").body
        except (SyntaxError, ValueError, RecursionError, MemoryError):
            return
    if annotation is not None:
        for part in ast.walk(annotation):
            if isinstance(part, ast.Name):
                yield part.id


def mentions(annotation: ast.expr | None, variable: str) -> bool:
    """Whether an annotation speaks of a type variable."""
    return variable in _names(annotation)


def bound_types(
    lowering: Lowering,
    function: UserFunction,
    arguments: list[tuple[ast.arg, Value, ast.expr | None]],
    node: Located,
) -> dict[str, Scalar] | None:
    """What the type variables of a helper are at one call; None where that was reported."""
    found: dict[str, Scalar] = {}
    for name, options in type_variables(function, lowering.resolver).items():
        if isinstance(options, BadAnnotation):
            lowering.mismatch(node, options.message)
            return None
        type, widens = _given(name, arguments)
        if type is not None and type not in options:
            fitting = (one for one in options if widens and join(type, one) == one)
            type = next(fitting, None)
        if type is None:
            listed = ", ".join(option.name for option in options)
            lowering.mismatch(
                node,
                f"`{function.node.name}` wants `{name}` to be one of {listed}; it is none here",
            )
            return None
        found[name] = type
    return found


def _given(
    variable: str, arguments: list[tuple[ast.arg, Value, ast.expr | None]]
) -> tuple[Scalar | None, bool]:
    """The type that arguments give to a type variable, and whether a wider one does as well."""
    elements: list[Scalar] = []
    numbers: dict[Give, Scalar] = {}
    for argument, value, _ in arguments:
        if not mentions(argument.annotation, variable):
            continue
        named = scalar_of(value)
        if isinstance(value, ArrayValue):
            elements.append(value.array.element)
        elif named is not None:
            elements.append(named)
        elif isinstance(value, Number):
            before = numbers.get(value.give, value.type)
            numbers[value.give] = join(before, value.type) or before
    if elements:
        return elements[0], False
    return next((numbers[give] for give in Give if give in numbers), None), True
