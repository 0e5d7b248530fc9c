"""Elements, views and attributes of arrays in Numba kernels.

a[-1]                 a[len(a) - 1]: a negative literal counts from behind
a[i][j], a[i, :]      as in Oxide
a[i]["x"], a[i].x     a field of a record: the access is of the element, the value is unknown
p.dt                  of a parameter that is a record: a number of the launch
"""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING

from oxide_analyzer.frontends.oxide import indexing, operators, places
from oxide_analyzer.frontends.oxide.values import (
    UNKNOWN,
    ArrayValue,
    MeaningValue,
    Number,
    TupleValue,
    Unknown,
    again,
)
from oxide_analyzer.ir.nodes import Binary, BinaryOp, Const, Store
from oxide_analyzer.language.types import F64, I64

if TYPE_CHECKING:
    from oxide_analyzer.frontends.numba.lowering import NumbaLowering
    from oxide_analyzer.frontends.oxide.values import Value
    from oxide_analyzer.ir.nodes import Expr
    from oxide_analyzer.source import Span

_KNOWN = {"shape", "size", "ndim", "dtype"}


def subscript(lowering: NumbaLowering, node: ast.Subscript) -> Value:
    """`a[i]`, `a[i, j]`, `a[i, :]`, `shape[k]`, `record["x"]`."""
    base = lowering.evaluate(node.value)
    if _is_text(node.slice):
        if isinstance(base, ArrayValue):
            return base
        return lowering.forget(node, f"`{lowering.text(node)}`", F64)
    match base:
        case ArrayValue(array=array):
            if array.name in lowering.lost:
                _read(lowering, node.slice)
                return UNKNOWN
            found = indexing.resolve(lowering, base, node)
            if found is None:
                lowering.lose(base)
                return UNKNOWN
            if isinstance(found, ArrayValue):
                return found
            index = _from_front(lowering, base, found, lowering.span(node))
            return places.load(lowering, array, index, node)
        case TupleValue(items=items):
            value = lowering.evaluate(node.slice)
            place = value.value if isinstance(value, Number) else None
            if isinstance(place, int) and -len(items) <= place < len(items):
                return items[place]
            return lowering.forget(node, f"`{lowering.text(node)}`")
        case _:
            _read(lowering, node.slice)
            return UNKNOWN


def store(lowering: NumbaLowering, node: ast.Subscript, value: Value, value_node: ast.expr) -> None:
    """`a[i] = value`."""
    if _is_text(node.slice) and isinstance(node.value, ast.Subscript):
        made = lowering.forget(node, f"`{lowering.text(node)}`")
        store(lowering, node.value, made, value_node)
        return
    base = lowering.evaluate(node.value)
    if not isinstance(base, ArrayValue) or base.array.name in lowering.lost:
        _read(lowering, node.slice)
        if not isinstance(base, ArrayValue | Unknown):
            lowering.assume(node, f"the store to `{lowering.text(node)}`")
        return
    index = _element(lowering, base, node)
    if index is not None:
        _put(lowering, base, index, lowering.number(value, value_node), node, value_node)


def augmented(lowering: NumbaLowering, node: ast.AugAssign, target: ast.Subscript) -> None:
    """`a[i] += x`: the index is evaluated once and the load precedes `x`."""
    if _is_text(target.slice) and isinstance(target.value, ast.Subscript):
        lowering.evaluate(target)
        lowering.evaluate(node.value)
        store(lowering, target, UNKNOWN, node.value)
        return
    base = lowering.evaluate(target.value)
    index = None
    if isinstance(base, ArrayValue) and base.array.name not in lowering.lost:
        index = _element(lowering, base, target)
    if index is None or not isinstance(base, ArrayValue):
        lowering.evaluate(node.value)
        return
    kept = tuple(indexing.leaf(lowering, one, lowering.span(target)) for one in index)
    old = places.load(lowering, base.array, kept, target)
    right = lowering.number(lowering.evaluate(node.value), node.value)
    new = operators.arithmetic(lowering, node.op, old, right, node, node.value)
    again_index = tuple(indexing.placed(one, lowering.span(target)) for one in kept)
    _put(lowering, base, again_index, lowering.number(new or UNKNOWN, node.value), target, target)


def attribute(lowering: NumbaLowering, node: ast.Attribute) -> Value:
    """`a.shape`, `record.x`, `cuda.threadIdx.x`, `module.NAME`."""
    if isinstance(node.value, ast.Name) and not lowering.frame.parent:
        field = lowering.records.get(node.value.id, {}).get(node.attr)
        if field is not None:
            return again(field, lowering.span(node))
    base = lowering.evaluate(node.value)
    match base:
        case ArrayValue() if node.attr in _KNOWN:
            return places.array_attribute(lowering, base, node)
        case MeaningValue():
            return places.attribute(lowering, node)
        case Number():
            # A part of a complex number, a field of a record.
            return lowering.forget(node, f"`{lowering.text(node)}`", F64)
        case _:
            return UNKNOWN


def _element(
    lowering: NumbaLowering, base: ArrayValue, node: ast.Subscript
) -> tuple[Expr, ...] | None:
    """The indices of the one element that is written; of anything else the array is lost."""
    found = indexing.resolve(lowering, base, node)
    if found is None or isinstance(found, ArrayValue):
        lowering.lose(base)
        lowering.assume(node, f"what is stored to `{lowering.text(node)}`")
        return None
    return _from_front(lowering, base, found, lowering.span(node))


def _put(
    lowering: NumbaLowering,
    base: ArrayValue,
    index: tuple[Expr, ...],
    number: Number,
    node: ast.expr,
    value_node: ast.expr,
) -> None:
    array = base.array
    expr = lowering.convert(number, array.element, value_node, "an element")
    lowering.emit(Store(array.name, index, expr, lowering.site(), lowering.span(node)))


def _from_front(
    lowering: NumbaLowering, base: ArrayValue, index: tuple[Expr, ...], span: Span
) -> tuple[Expr, ...]:
    """Negative literals count from behind; in a view they are left as they are."""
    if base.view is not None:
        return index
    found: list[Expr] = []
    for axis, one in enumerate(index):
        if isinstance(one, Const) and one.value < 0:
            extent = indexing.length(base.array, axis, span)
            back = Const(-one.value, I64, span)
            found.append(Binary(BinaryOp.SUB, extent, back, I64, span))
        else:
            found.append(one)
    return tuple(found)


def _read(lowering: NumbaLowering, index: ast.expr) -> None:
    """Read the parts of a subscript for what they access."""
    parts = index.elts if isinstance(index, ast.Tuple) else [index]
    for part in parts:
        ends = (part.lower, part.upper) if isinstance(part, ast.Slice) else (part,)
        for end in ends:
            if end is not None:
                lowering.evaluate(end)


def _is_text(node: ast.expr) -> bool:
    return isinstance(node, ast.Constant) and isinstance(node.value, str)
