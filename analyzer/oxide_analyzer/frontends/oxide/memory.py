"""Memory of the block and of the thread: `SharedArray`, `LocalArray`, `dynamic_shared`."""

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
from oxide_analyzer.ir.nodes import Array, Declare, Dim, Ownership, Space
from oxide_analyzer.language.types import I64

if TYPE_CHECKING:
    from collections.abc import Iterator

    from oxide_analyzer.frontends.oxide.lowering import Lowering
    from oxide_analyzer.frontends.oxide.values import Value
    from oxide_analyzer.ir.nodes import Expr
    from oxide_analyzer.language.builtins import Builtin
    from oxide_analyzer.language.types import Scalar


def scratch(lowering: Lowering, node: ast.Call, row: Builtin) -> Value:
    """`SharedArray(T, shape)` and `LocalArray(T, shape)`."""
    arguments = positional(lowering, node, row, 2, 2)
    if arguments is None:
        return UNKNOWN
    element = _element(lowering, arguments[0], f"{row.name}(f32, …)")
    shape = _shape(lowering, arguments[1])
    if element is None or shape is None:
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


def dynamic_shared(lowering: Lowering, node: ast.Call, row: Builtin) -> Value:
    """`dynamic_shared(T)`: as many elements as the launch has bytes for."""
    arguments = positional(lowering, node, row, 1, 1)
    if arguments is None:
        return UNKNOWN
    element = _element(lowering, arguments[0], "dynamic_shared(f32)")
    if element is None:
        return UNKNOWN
    made = lowering.allocation(node)
    if made is not None:
        return made
    if any(isinstance(array.shape[0], Dim) for array in _shared(lowering)):
        return lowering.refuse(
            node, "a kernel has one `dynamic_shared`; index parts of it, or use `SharedArray`"
        )
    span = lowering.span(node)
    name = lowering.unique(lowering.allocation_name or "dynamic")
    shape = (Dim(name, 0, span),)
    return lowering.allocate(
        node, Array(name, element, shape, Space.SHARED, Ownership.SCRATCH, span)
    )


def _shared(lowering: Lowering) -> Iterator[Array]:
    return (array for array in lowering.arrays.values() if array.space is Space.SHARED)


def _element(lowering: Lowering, node: ast.expr, example: str) -> Scalar | None:
    """The scalar type that an argument names; None where it was reported."""
    value = lowering.evaluate(node)
    element = scalar_of(value)
    if element is None and not isinstance(value, Unknown):
        text = lowering.text(node)
        lowering.mismatch(node, f"`{text}` is not a scalar type; write `{example}`")
    return element


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
