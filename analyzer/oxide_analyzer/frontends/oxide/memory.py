"""Memory of the block and of the thread: `SharedArray`, `LocalArray`, barriers and atomics."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING, TypeVar

from oxide_analyzer.frontends.oxide.arguments import counted, positional
from oxide_analyzer.frontends.oxide.places import index_list, scalar_of
from oxide_analyzer.frontends.oxide.values import (
    NOTHING,
    UNKNOWN,
    ArrayValue,
    Number,
    TupleValue,
    Unknown,
)
from oxide_analyzer.ir.nodes import (
    Array,
    Atomic,
    AtomicOp,
    Barrier,
    Declare,
    Order,
    Ownership,
    Read,
    Scope,
    Space,
)
from oxide_analyzer.language.types import I64, Kind

if TYPE_CHECKING:
    from oxide_analyzer.frontends.oxide.lowering import Lowering
    from oxide_analyzer.frontends.oxide.values import Value
    from oxide_analyzer.ir.nodes import Expr
    from oxide_analyzer.language.builtins import Builtin

Word = TypeVar("Word", Scope, Order)


def sync_threads(lowering: Lowering, node: ast.Call, row: Builtin) -> Value:
    """`sync_threads()`."""
    if positional(lowering, node, row, 0, 0) is None:
        return UNKNOWN
    lowering.emit(Barrier(lowering.site(), lowering.span(node)))
    return NOTHING


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


def atomic_add(lowering: Lowering, node: ast.Call, row: Builtin) -> Value:
    """`atomic.add(target, index, value, scope=…, order=…)`."""
    if counted(lowering, node, row, 0, 3) is None:
        return UNKNOWN
    given: dict[str, ast.expr] = {}
    for name, argument in zip(("target", "index", "value"), node.args, strict=False):
        given[name] = argument
    for keyword in node.keywords:
        if (
            keyword.arg not in ("target", "index", "value", "scope", "order")
            or keyword.arg in given
        ):
            return lowering.mismatch(
                keyword.value, f"`{row.name}` has no such keyword left: `{row.signature}`"
            )
        given[keyword.arg] = keyword.value
    if not {"target", "index", "value"} <= given.keys():
        return lowering.mismatch(
            node, f"`{row.name}` needs target, index and value: `{row.signature}`"
        )
    scope = _word(lowering, given.get("scope"), Scope.DEVICE, "scope")
    order = _word(lowering, given.get("order"), Order.RELAXED, "order")
    target = lowering.evaluate(given["target"])
    array = _atomic_target(lowering, target, given["target"])
    parts = given["index"].elts if isinstance(given["index"], ast.Tuple) else [given["index"]]
    index = None if array is None else index_list(lowering, array, parts, given["index"])
    number = lowering.evaluate_number(given["value"])
    if array is None or index is None or number is None or scope is None or order is None:
        return UNKNOWN
    expr = lowering.convert(number, array.element, given["value"], f"an element of `{array.name}`")
    if expr is None:
        return UNKNOWN
    span = lowering.span(node)
    local = lowering.temporary(array.element)
    lowering.emit(
        Atomic(AtomicOp.ADD, local, array.name, index, expr, scope, order, lowering.site(), span)
    )
    return Number(Read(local, span), array.element)


def _atomic_target(lowering: Lowering, value: Value, node: ast.expr) -> Array | None:
    if isinstance(value, Unknown):
        return None
    text = lowering.text(node)
    if not isinstance(value, ArrayValue):
        lowering.mismatch(
            node, f"`{text}` is not an array; atomics change an `AtomicSlice` or `SharedArray`"
        )
        return None
    array = value.array
    shared = array.space is Space.SHARED
    if not shared and array.ownership is not Ownership.ATOMIC:
        kind = "LocalArray" if array.space is Space.LOCAL else "DisjointSlice"
        kind = "Slice" if value.read_only else kind
        lowering.mismatch(
            node, f"`{text}` is a `{kind}`; atomics change an `AtomicSlice` or `SharedArray`"
        )
        return None
    if array.element.kind is Kind.BOOL:
        lowering.mismatch(node, f"`{text}` holds bool; atomics add integers and floats")
        return None
    return array


def _word(lowering: Lowering, node: ast.expr | None, default: Word, what: str) -> Word | None:
    """A scope or order, written as a literal string; None where it was reported."""
    if node is None:
        return default
    for choice in type(default):
        if isinstance(node, ast.Constant) and node.value == choice.value:
            return choice
    names = ", ".join(f'"{choice.value}"' for choice in type(default))
    lowering.mismatch(node, f"{what} is one of {names}")
    return None
