"""Elements, views and attributes of arrays in Numba kernels.

a[-1], a[i][-1]       a[len(a) - 1]: a negative literal counts from behind, but not for CuPy
a[i][j], a[i, :]      as in Oxide
a[i]["x"], a[i].x     a field of a record, see `records`; of an array whose elements nobody knows,
                      an access of the element, and a value that is unknown
p.dt                  of a parameter that is a record: a number of the launch
"""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING

from oxide_analyzer.frontends.numba import live, operators, records
from oxide_analyzer.frontends.numba.promotion import zero
from oxide_analyzer.frontends.oxide import indexing, places, tables
from oxide_analyzer.frontends.oxide.meanings import ClassKind, Known, UserClass
from oxide_analyzer.frontends.oxide.values import (
    UNKNOWN,
    ArrayValue,
    Elements,
    Give,
    MeaningValue,
    Number,
    TupleValue,
    Unknown,
    again,
)
from oxide_analyzer.ir.nodes import Store
from oxide_analyzer.language import numba
from oxide_analyzer.language.records import Record
from oxide_analyzer.language.types import F64

if TYPE_CHECKING:
    from oxide_analyzer.frontends.numba.lowering import NumbaLowering
    from oxide_analyzer.frontends.oxide.values import Value
    from oxide_analyzer.ir.nodes import Expr

_KNOWN = {"shape", "size", "ndim", "dtype"}


def subscript(lowering: NumbaLowering, node: ast.Subscript) -> Value:
    """`a[i]`, `a[i, j]`, `a[i, :]`, `shape[k]`, `record["x"]`."""
    name = _text(node.slice)
    # `Color["red"]` is `Color.red`.
    member = None if name is None else ast.Attribute(node.value, name, ast.Load())
    if member is not None:
        found = live.held(lowering, ast.copy_location(member, node))
        if found is not None:
            return found
    base = lowering.evaluate(node.value)
    if member is not None and _is_enum(base):
        return lowering.evaluate(member)
    if name is not None:
        if isinstance(base, ArrayValue):
            if base.elements is None:
                return base
            return _field(lowering, base, name, node)
        if isinstance(base, TupleValue):
            return _item_of(lowering, base, name, node)
        return lowering.forget(node, f"`{lowering.text(node)}`", F64, of=[base])
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
            return records.item(lowering, base, found, node)
        case TupleValue(items=items):
            value = lowering.evaluate(node.slice)
            place = value.value if isinstance(value, Number) else None
            if isinstance(place, int) and -len(items) <= place < len(items):
                return items[place]
            held = as_table(lowering, base, node.value)
            found = None if held is None else indexing.resolve(lowering, held, node)
            if held is None or found is None:
                return lowering.forget(node, f"`{lowering.text(node)}`")
            if isinstance(found, ArrayValue):
                return found
            return places.load(lowering, held.array, found, node)
        case _:
            _read(lowering, node.slice)
            return UNKNOWN


def _is_enum(value: Value) -> bool:
    match value:
        case MeaningValue(meaning=UserClass(kind=ClassKind.ENUM)):
            return True
        case _:
            return False


def as_table(lowering: NumbaLowering, value: TupleValue, node: ast.expr) -> ArrayValue | None:
    """A tuple of constants of one type as an array; None if it is none."""
    fixed = _fixed(value)
    return None if fixed is None else tables.table(lowering, fixed, node)


def _fixed(value: TupleValue) -> TupleValue | None:
    """The tuple with the types that its numbers have by themselves."""
    items: list[Value] = []
    for item in value.items:
        match item:
            case TupleValue() if (inner := _fixed(item)) is not None:
                items.append(inner)
            case Number(constant=True, expr=expr, value=number):
                items.append(Number(expr, expr.type, Give.FIXED, number, True))
            case _:
                return None
    return TupleValue(tuple(items))


def store(lowering: NumbaLowering, node: ast.Subscript, value: Value, value_node: ast.expr) -> None:
    """`a[i] = value`."""
    name = _text(node.slice)
    if name is not None and isinstance(node.value, ast.Subscript):
        inner = lowering.evaluate(node.value.value)
        if not isinstance(inner, ArrayValue) or inner.elements is None:
            made = lowering.forget(node, f"`{lowering.text(node)}`")
            store(lowering, node.value, made, value_node)
            return
    base = lowering.evaluate(node.value)
    if name is not None and isinstance(base, ArrayValue) and base.elements is not None:
        if not records.put_field(lowering, base, name, value, node, value_node):
            _no_field(lowering, base, name, node)
        return
    if not isinstance(base, ArrayValue) or base.array.name in lowering.lost:
        _read(lowering, node.slice)
        if not isinstance(base, ArrayValue | Unknown):
            lowering.assume(node, f"the store to `{lowering.text(node)}`")
        return
    index = _element(lowering, base, node)
    if index is not None:
        _put(lowering, base, index, value, node, value_node)


def store_attribute(
    lowering: NumbaLowering, node: ast.Attribute, value: Value, value_node: ast.expr
) -> None:
    """`a[i].x = value`, `p.x = value`."""
    base = lowering.evaluate(node.value)
    if isinstance(base, ArrayValue) and base.elements is not None:
        if base.array.name in lowering.lost:
            return
        if not records.put_field(lowering, base, node.attr, value, node, value_node):
            _no_field(lowering, base, node.attr, node)
        return
    lowering.lose(base)
    lowering.assume(node, f"the store to `{lowering.text(node)}`")
    if isinstance(node.value, ast.Subscript):
        # A part of an element of which nobody knows what it is.
        made = lowering.forget(node, f"`{lowering.text(node)}`")
        store(lowering, node.value, made, value_node)


def augmented(lowering: NumbaLowering, node: ast.AugAssign, target: ast.expr) -> None:
    """`a[i] += x`, `a[i].x += x`: the index is evaluated once and the load precedes `x`."""
    if isinstance(target, ast.Attribute):
        base = lowering.evaluate(target.value)
        if isinstance(base, ArrayValue) and base.elements is not None:
            _change_field(lowering, base, target.attr, node, target)
        else:
            lowering.evaluate(node.value)
            store_attribute(lowering, target, UNKNOWN, node.value)
        return
    if not isinstance(target, ast.Subscript):
        lowering.assume(target, f"the store to `{lowering.text(target)}`")
        return
    base = lowering.evaluate(target.value)
    name = _text(target.slice)
    if name is not None:
        if isinstance(base, ArrayValue) and base.elements is not None:
            _change_field(lowering, base, name, node, target)
            return
        lowering.evaluate(target)
        lowering.evaluate(node.value)
        store(lowering, target, UNKNOWN, node.value)
        return
    index = None
    if isinstance(base, ArrayValue) and base.array.name not in lowering.lost:
        index = _element(lowering, base, target)
    if index is None or not isinstance(base, ArrayValue):
        if not isinstance(base, ArrayValue | Unknown):
            lowering.assume(target, f"the store to `{lowering.text(target)}`")
        lowering.evaluate(node.value)
        return
    kept = tuple(indexing.leaf(lowering, one, lowering.span(target)) for one in index)
    old = records.item(lowering, base, kept, target)
    right = lowering.evaluate(node.value)
    new = operators.combined(lowering, node.op, old, right, node, node.value)
    again_index = tuple(indexing.placed(one, lowering.span(target)) for one in kept)
    _put(lowering, base, again_index, new, target, target)


def attribute(lowering: NumbaLowering, node: ast.Attribute) -> Value:
    """`a.shape`, `record.x`, `cuda.threadIdx.x`, `module.NAME`."""
    if isinstance(node.value, ast.Name) and not lowering.frame.parent:
        field = lowering.records.get(node.value.id, {}).get(node.attr)
        if field is not None:
            return again(field, lowering.span(node))
        names = lowering.named_tuples.get(node.value.id, ())
        if node.attr in names and node.value.id not in lowering.frame.body.assigned:
            made = ast.copy_location(ast.Constant(names.index(node.attr)), node)
            item = ast.Subscript(node.value, made, ast.Load())
            return lowering.evaluate(ast.copy_location(item, node))
    found = live.held(lowering, node)
    if found is not None:
        return found
    base = lowering.evaluate(node.value)
    match base:
        case ArrayValue(elements=Elements(type=type)) if type.field(node.attr) is not None:
            return _field(lowering, base, node.attr, node)
        case ArrayValue(elements=Elements(type=type)) if node.attr == "dtype":
            row = numba.row(type.name)
            return UNKNOWN if row is None else MeaningValue(Known(row), ("dtype",))
        case ArrayValue() if node.attr in _KNOWN and base.rank:
            return places.array_attribute(lowering, base, node)
        case MeaningValue():
            return lowering.register(places.attribute(lowering, node), lowering.span(node))
        case TupleValue():
            return _item_of(lowering, base, node.attr, node)
        case Number() if node.attr in ("real", "imag") and lowering.launched is not None:
            span = lowering.span(node)
            return base if node.attr == "real" else Number(zero(base.type, span), base.type)
        case Number():
            # A part of a complex number, a field of a record.
            return lowering.forget(node, f"`{lowering.text(node)}`", F64, of=[base])
        case ArrayValue():
            lowering.lose(base)
            return lowering.assume(node, f"`{lowering.text(node)}`")
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
    return found


def _put(
    lowering: NumbaLowering,
    base: ArrayValue,
    index: tuple[Expr, ...],
    value: Value,
    node: ast.expr,
    value_node: ast.expr,
) -> None:
    array = base.array
    if base.elements is not None:
        target = records.reference(lowering, base, index, lowering.span(node))
        records.put(lowering, target, value, node, value_node)
        return
    number = lowering.number(value, value_node)
    expr = lowering.convert(number, array.element, value_node, "an element")
    lowering.emit(Store(array.name, index, expr, lowering.site(), lowering.span(node)))


def _read(lowering: NumbaLowering, index: ast.expr) -> None:
    """Read the parts of a subscript for what they access."""
    parts = index.elts if isinstance(index, ast.Tuple) else [index]
    for part in parts:
        ends = (part.lower, part.upper) if isinstance(part, ast.Slice) else (part,)
        for end in ends:
            if end is not None:
                lowering.evaluate(end)


def _item_of(lowering: NumbaLowering, base: TupleValue, name: str, node: ast.expr) -> Value:
    """A part of a complex number, a field of a record that a launch was given."""
    place = base.struct.place(name) if isinstance(base.struct, Record) else None
    if place is None or isinstance(base.items[place], Unknown):
        lowering.assume(node, f"`{lowering.text(node)}`")
        return lowering.forget(node, f"`{lowering.text(node)}`", F64)
    return again(base.items[place], lowering.span(node))


def _field(lowering: NumbaLowering, base: ArrayValue, name: str, node: ast.expr) -> Value:
    if base.array.name in lowering.lost:
        return UNKNOWN
    found = records.field(lowering, base, name, node)
    return _no_field(lowering, base, name, node) if found is None else found


def _no_field(lowering: NumbaLowering, base: ArrayValue, name: str, node: ast.expr) -> Unknown:
    lowering.lose(base)
    return lowering.assume(node, f"`{name}`, which is no field of `{lowering.text(node)}`")


def _change_field(
    lowering: NumbaLowering,
    base: ArrayValue,
    name: str,
    node: ast.AugAssign,
    target: ast.expr,
) -> None:
    """`a[i].x += y`: the record is looked up once."""
    if base.array.name in lowering.lost:
        lowering.evaluate(node.value)
        return
    old = _field(lowering, base, name, target)
    right = lowering.evaluate(node.value)
    new = operators.combined(lowering, node.op, old, right, node, node.value)
    records.put_field(lowering, base, name, new, target, target)


def _text(node: ast.expr) -> str | None:
    """The name of a field."""
    return node.value if isinstance(node, ast.Constant) and isinstance(node.value, str) else None
