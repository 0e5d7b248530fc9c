"""Functions that are passed: lambdas, `@device` functions as arguments, what a launch is given.

Where a function is known its body takes the place of the call, like that of any helper. What only
a launch knows is any total function of its type: its values are unknown, and as uniform as its
arguments.

    @kernel
    def apply(fn: Callable[[f32], f32], out: DisjointSlice[f32]):
        out[0] = fn(2)                     %1 = fn(2.0); store out[0] = %1

    apply[1, 32](lambda x: x * factor, out)      parameters fn.factor, out
                                       is        inline <lambda>: return: f32 = 2.0 * fn.factor

A lambda sees the names of the function that it stands in, as they are when it is called.
"""

from __future__ import annotations

import ast
from dataclasses import replace
from functools import lru_cache
from typing import TYPE_CHECKING

from oxide_analyzer.frontends.oxide.annotations import StructType
from oxide_analyzer.frontends.oxide.meanings import LAMBDA, FunctionRole, UserFunction
from oxide_analyzer.frontends.oxide.scopes import parameters
from oxide_analyzer.frontends.oxide.structs import converted, from_fields
from oxide_analyzer.frontends.oxide.values import (
    UNKNOWN,
    FunctionValue,
    MeaningValue,
    Number,
    TupleValue,
    Unknown,
    again,
)
from oxide_analyzer.ir.kernel import Function
from oxide_analyzer.ir.nodes import Apply
from oxide_analyzer.language.types import Scalar

if TYPE_CHECKING:
    from collections.abc import Iterator

    from oxide_analyzer.frontends.oxide.annotations import CallableType, Leaf
    from oxide_analyzer.frontends.oxide.lowering import Lowering
    from oxide_analyzer.frontends.oxide.values import Value
    from oxide_analyzer.ir.nodes import Expr


def lambda_expression(lowering: Lowering, node: ast.Lambda) -> Value:
    """`lambda x: x * 2`."""
    arguments = node.args
    extra = [arguments.vararg, arguments.kwarg, *arguments.kwonlyargs]
    if any(extra) or arguments.defaults:
        return lowering.refuse(node, "a lambda in a kernel has plain parameters without defaults")
    frame = lowering.frame
    function = UserFunction(as_function(node), frame.function.scope, FunctionRole.DEVICE)
    return FunctionValue(LAMBDA, None, function, frame.record, frame)


@lru_cache(maxsize=1024)
def as_function(node: ast.Lambda) -> ast.FunctionDef:
    """A lambda as a `def` that returns its expression."""
    back = ast.copy_location(ast.Return(node.body), node.body)
    made = ast.FunctionDef(LAMBDA, node.args, [back], [], None)
    if hasattr(made, "type_params") or "type_params" in made._fields:
        made.type_params = []  # type: ignore[attr-defined, unused-ignore]
    return ast.copy_location(made, node)


def passed(
    lowering: Lowering, type: CallableType, value: Value, node: ast.expr, what: str
) -> Value:
    """An argument for a parameter that is a function; UNKNOWN where it was reported."""
    match value:
        case FunctionValue():
            return replace(value, type=type)
        case MeaningValue(meaning=UserFunction(role=FunctionRole.DEVICE) as function, path=path):
            record = record_of(lowering, function, path)
            return FunctionValue(function.node.name, type, function, record)
        case Unknown():
            return UNKNOWN
        case MeaningValue(meaning=UserFunction(node=definition)):
            name = definition.name
            return lowering.mismatch(
                node, f"`{name}` is an ordinary function; write `@device` above it to pass it"
            )
        case _:
            text = lowering.text(node)
            return lowering.mismatch(
                node,
                f"{what} is a function, `{text}` is none; write a lambda or `@device` function",
            )


def record_of(lowering: Lowering, function: UserFunction, path: tuple[str, ...]) -> Function:
    """The live function that `path` leads to from the one that is being lowered."""
    caller = lowering.frame.record
    source = function.scope.source
    return Function(
        (*caller.route, path),
        source.path,
        function.scope.qualify(function.node.name),
        source.span(function.node),
        caller.argument,
    )


def call_function(lowering: Lowering, node: ast.Call, function: FunctionValue) -> Value:
    """Call a function that was passed, or a lambda that has a name."""
    from oxide_analyzer.frontends.oxide.inlining import inline_values

    if node.keywords or any(isinstance(argument, ast.Starred) for argument in node.args):
        return lowering.refuse(node, f"`{function.name}` takes its arguments by place")
    values = [lowering.evaluate(argument) for argument in node.args]
    type = function.type
    declared = None if function.function is None else parameters(function.function.node)
    count = len(type.parameters) if type is not None else len(declared or ())
    if len(values) != count or (declared is not None and len(declared) != count):
        taken = count if len(values) != count else len(declared or ())
        given = len(values) if len(values) != count else count
        return lowering.mismatch(
            node,
            f"`{function.name}` takes {taken} argument{'s' * (taken != 1)}, {given} are given",
        )
    if type is not None:
        what = f"an argument of `{function.name}`"
        values = [
            converted(lowering, wanted, value, argument, what)
            for wanted, value, argument in zip(type.parameters, values, node.args, strict=True)
        ]
    if any(isinstance(value, Unknown) for value in values):
        return UNKNOWN
    if function.function is None or declared is None:
        assert type is not None
        return _applied(lowering, node, function.name, type, values)
    arguments: list[tuple[ast.arg, Value, ast.expr | None]] = [
        (argument, value, at)
        for (argument, _), value, at in zip(declared, values, node.args, strict=True)
    ]
    found = inline_values(lowering, node, function, arguments)
    if type is None:
        return found
    return converted(lowering, type.result, found, node, f"what `{function.name}` gives")


def _applied(
    lowering: Lowering, node: ast.Call, name: str, type: CallableType, values: list[Value]
) -> Value:
    """Any total function of this type: its result, kept so that it is one value."""
    span = lowering.span(node)
    held = list(_leaves(values))
    if isinstance(type.result, StructType):
        held = [lowering.hold(number, span) for number in held]

    def make(path: str, leaf: Leaf) -> Value:
        assert isinstance(leaf, Scalar)
        operands = tuple(_operand(number) for number in held)
        return lowering.hold(Number(Apply(path, operands, leaf, span), leaf), span)

    def _operand(number: Number) -> Expr:
        placed = again(number, span)
        return placed.expr if isinstance(placed, Number) else number.expr

    return from_fields(type.result, name, make)


def _leaves(values: list[Value]) -> Iterator[Number]:
    for value in values:
        match value:
            case Number():
                yield value
            case TupleValue(items=items):
                yield from _leaves(list(items))
            case _:
                pass
