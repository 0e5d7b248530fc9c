"""Changes of one element as one step: `atomic.add` and its relatives.

    old = atomic.max(bins, k, v, scope="block")      %1 = atomic max bins[k], v scope=block

The operand takes the type of the element, and what was there before is loaded now.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from oxide_analyzer.frontends.oxide.arguments import named, word
from oxide_analyzer.frontends.oxide.indexing import element
from oxide_analyzer.frontends.oxide.values import (
    NOTHING,
    UNKNOWN,
    ArrayValue,
    Number,
    Unknown,
)
from oxide_analyzer.ir.nodes import Atomic, AtomicOp, Order, Ownership, Read, Scope, Space
from oxide_analyzer.language.types import Kind

if TYPE_CHECKING:
    import ast

    from oxide_analyzer.frontends.oxide.lowering import Lowering
    from oxide_analyzer.frontends.oxide.values import Value
    from oxide_analyzer.ir.nodes import Array, Expr
    from oxide_analyzer.language.builtins import Builtin

_OPERANDS = {
    AtomicOp.LOAD: (),
    AtomicOp.COMPARE_EXCHANGE: ("expected", "value"),
}
_BITS = {AtomicOp.AND, AtomicOp.OR, AtomicOp.XOR}
_COUNTS = {AtomicOp.INC, AtomicOp.DEC}
_WITHOUT = {
    AtomicOp.LOAD: (Order.RELEASE, Order.ACQ_REL),
    AtomicOp.STORE: (Order.ACQUIRE, Order.ACQ_REL),
}
# The hardware changes words of these sizes at once, and the cpu device does as it does.
_BIT_SIZES = (32, 64)


def orders_of(operation: str) -> tuple[Order, ...]:
    """The orders that `atomic.<operation>` can have."""
    without = _WITHOUT.get(AtomicOp(operation), ()) if operation in set(AtomicOp) else ()
    return tuple(order for order in Order if order not in without)


def atomic(lowering: Lowering, node: ast.Call, row: Builtin) -> Value:
    """`atomic.add(target, index, value, scope=…, order=…)` and the other operations."""
    op = AtomicOp(row.short_name)
    names = ("target", "index", *_OPERANDS.get(op, ("value",)))
    given = named(lowering, node, row, names, len(names), ("scope", "order"))
    if given is None:
        return UNKNOWN
    scope = word(lowering, given.get("scope"), Scope.DEVICE, "scope")
    order = _order(lowering, op, given.get("order"))
    target = _target(lowering, op, lowering.evaluate(given["target"]), given["target"])
    index = None if target is None else element(lowering, target, given["index"], given["index"])
    array = None if target is None else target.array
    operands = {name: _operand(lowering, array, given[name]) for name in names[2:]}
    if array is None or index is None or scope is None or order is None:
        return UNKNOWN
    if None in operands.values():
        return UNKNOWN
    span = lowering.span(node)
    local = None if op is AtomicOp.STORE else lowering.temporary(array.element)
    lowering.emit(
        Atomic(
            op,
            local,
            array.name,
            index,
            operands.get("value"),
            scope,
            order,
            lowering.site(),
            span,
            operands.get("expected"),
        )
    )
    return NOTHING if local is None else Number(Read(local, span), array.element)


def _order(lowering: Lowering, op: AtomicOp, node: ast.expr | None) -> Order | None:
    order = word(lowering, node, Order.RELAXED, "order")
    if node is None or order not in _WITHOUT.get(op, ()):
        return order
    does, instead = ("acquire", "release") if op is AtomicOp.STORE else ("release", "acquire")
    lowering.mismatch(
        node,
        f'`atomic.{op}` cannot {does}, so its order is "relaxed" or "{instead}"',
    )
    return None


def _operand(lowering: Lowering, array: Array | None, node: ast.expr) -> Expr | None:
    number = lowering.evaluate_number(node)
    if number is None or array is None:
        return None
    return lowering.convert(number, array.element, node, f"an element of `{array.name}`")


def _target(lowering: Lowering, op: AtomicOp, value: Value, node: ast.expr) -> ArrayValue | None:
    """The array that the operation changes; None where it was reported."""
    if isinstance(value, Unknown):
        return None
    text = lowering.text(node)
    if not isinstance(value, ArrayValue):
        lowering.mismatch(
            node, f"`{text}` is not an array; atomics change an `AtomicSlice` or `SharedArray`"
        )
        return None
    array = value.array
    if array.space is not Space.SHARED and array.ownership is not Ownership.ATOMIC:
        kind = "LocalArray" if array.space is Space.LOCAL else "DisjointSlice"
        kind = "Slice" if value.read_only else kind
        lowering.mismatch(
            node, f"`{text}` is a `{kind}`; atomics change an `AtomicSlice` or `SharedArray`"
        )
        return None
    element = array.element
    if element.bits not in _BIT_SIZES:
        unsigned = element.kind in (Kind.BOOL, Kind.UNSIGNED)
        wide = "f32" if element.is_float else "u32" if unsigned else "i32"
        lowering.mismatch(
            node, f"`{text}` holds {element}; atomics are of 32 and 64 bits, such as `{wide}`"
        )
        return None
    if op in _BITS and not element.is_integer:
        lowering.mismatch(node, f"`{text}` holds {element}; `atomic.{op}` is for integers")
        return None
    if op in _COUNTS and element.kind is not Kind.UNSIGNED:
        lowering.mismatch(
            node, f"`{text}` holds {element}; `atomic.{op}` is for unsigned integers, such as `u32`"
        )
        return None
    return value
