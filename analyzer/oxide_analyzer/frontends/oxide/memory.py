"""Memory of the block and of the thread: `SharedArray` and `LocalArray`."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING

from oxide_analyzer.frontends.oxide.arguments import positional
from oxide_analyzer.frontends.oxide.places import scalar_of
from oxide_analyzer.frontends.oxide.values import (
    UNKNOWN,
    TupleValue,
    Unknown,
)
from oxide_analyzer.ir.nodes import Array, Declare, Ownership, Space
from oxide_analyzer.language.types import I64

if TYPE_CHECKING:
    from oxide_analyzer.frontends.oxide.lowering import Lowering
    from oxide_analyzer.frontends.oxide.values import Value
    from oxide_analyzer.ir.nodes import Expr
    from oxide_analyzer.language.builtins import Builtin


def scratch(lowering: Lowering, node: ast.Call, row: Builtin) -> Value:
    """`SharedArray(T, shape)` and `LocalArray(T, shape)`."""
    arguments = positional(lowering, node, row, 2, 2)
    if arguments is None:
        return UNKNOWN
    value = lowering.evaluate(arguments[0])
    element = scalar_of(value)
    shape = _shape(lowering, arguments[1])
    if element is None:
        if not isinstance(value, Unknown):
            text = lowering.text(arguments[0])
            lowering.mismatch(
                arguments[0], f"`{text}` is not a scalar type; write `{row.name}(f32, …)`"
            )
        return UNKNOWN
    if shape is None:
        return UNKNOWN
    space = Space.SHARED if row.name == "SharedArray" else Space.LOCAL
    made = lowering.allocation(node)
    if made is None:
        name = lowering.unique(lowering.allocation_name or space.value)
        span = lowering.span(node)
        made = lowering.allocate(node, Array(name, element, shape, space, Ownership.SCRATCH, span))
    if space is Space.LOCAL:
        lowering.emit(Declare(made.array.name, lowering.span(node)))
    return made


def _shape(lowering: Lowering, node: ast.expr) -> tuple[Expr, ...] | None:
    """A shape: compile-time constants, each at least 1."""
    with lowering.at_compile_time():
        value = lowering.evaluate(node)
    if isinstance(value, Unknown):
        return None
    items = value.items if isinstance(value, TupleValue) else (value,)
    nodes = node.elts if isinstance(node, ast.Tuple) else [node] * len(items)
    shape: list[Expr] = []
    for item, item_node in zip(items, nodes, strict=True):
        number = lowering.number(item, item_node)
        if number is None:
            return None
        text = lowering.text(item_node)
        if not number.constant or not number.type.is_integer:
            lowering.mismatch(
                item_node, f"a shape is made of integers known at compile time, `{text}` is not"
            )
            return None
        if number.value is not None and number.value < 1:
            lowering.mismatch(item_node, f"an array of extent {number.value}; it is at least 1")
            return None
        expr = lowering.convert(number, I64, item_node, "an extent")
        if expr is None:
            return None
        shape.append(expr)
    if not 1 <= len(shape) <= 3:
        lowering.mismatch(node, f"an array has 1 to 3 dimensions, not {len(shape)}")
        return None
    return tuple(shape)
