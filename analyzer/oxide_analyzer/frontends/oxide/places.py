"""Names, attributes and elements: where values are read from and stored to."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING

from oxide_analyzer.diagnostics import Edit, Fix
from oxide_analyzer.frontends.oxide import indexing, outside, spelling, tables
from oxide_analyzer.frontends.oxide.annotations import StructType
from oxide_analyzer.frontends.oxide.constants import MATH_VALUES
from oxide_analyzer.frontends.oxide.meanings import (
    ClassKind,
    EnumMember,
    HostObject,
    Known,
    ModuleMeaning,
    NumberConstant,
    NumberKind,
    TupleConstant,
    TypeVariable,
    UserClass,
)
from oxide_analyzer.frontends.oxide.scopes import parameters
from oxide_analyzer.frontends.oxide.values import (
    UNKNOWN,
    ArrayValue,
    MeaningValue,
    Number,
    TupleValue,
    Unknown,
    again,
    literal,
)
from oxide_analyzer.interpreter import arithmetic
from oxide_analyzer.ir.nodes import (
    Binary,
    BinaryOp,
    Const,
    Load,
    Ownership,
    Read,
    Register,
    Special,
    Store,
)
from oxide_analyzer.language.builtins import BuiltinKind, lookup, members_of
from oxide_analyzer.language.types import I64, Scalar
from oxide_analyzer.rules import (
    ox004_unknown_name,
    ox101_write_to_read_only_slice,
    ox106_mixed_atomic_access,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

    from oxide_analyzer.frontends.oxide.lowering import Frame, Lowering
    from oxide_analyzer.frontends.oxide.meanings import Meaning
    from oxide_analyzer.frontends.oxide.values import Value
    from oxide_analyzer.ir.nodes import Array, Expr

_WRITABLE = {f"Slice{rank}": f"DisjointSlice{rank}" for rank in ("", "2D", "3D")}
AXES = {"x": 0, "y": 1, "z": 2}
_OF_WARPS = {
    "warp.lane": Register.LANE,
    "warp.index": Register.WARP,
    "warp.count": Register.WARPS,
}


def name(lowering: Lowering, node: ast.Name) -> Value:
    """A name: of this function, of one round it, of the module, of Python."""
    frame = lowering.frame
    inside: Frame | None = frame
    while inside is not None:
        found = inside.statics.get(node.id)
        if found is not None:
            return again(found, lowering.span(node))
        if node.id in inside.body.assigned:
            return lowering.read((inside.key, node.id), node)
        inside = inside.closure
    for parameter in getattr(frame.function.node, "type_params", []):
        if parameter.name == node.id:
            variable = TypeVariable(node.id, (), frame.function.scope)
            return MeaningValue(variable, (node.id,))
    meaning = lowering.resolver.name(node.id, frame.function.scope)
    if meaning is None:
        return unknown_name(lowering, node, node.id)
    return means(lowering, meaning, (node.id,), node)


def unknown_name(lowering: Lowering, node: ast.expr, text: str) -> Unknown:
    """Report a name that nothing defines, with the one that was perhaps meant."""
    message, near = spelling.unknown(lowering, text)
    fixes: tuple[Fix, ...] = ()
    if near is not None:
        fixes = (Fix(f"Change to `{near}`", (Edit(lowering.span(node), near),)),)
    lowering.report(ox004_unknown_name.RULE, node, message, fixes=fixes)
    return UNKNOWN


def means(lowering: Lowering, meaning: Meaning, path: tuple[str, ...], node: ast.expr) -> Value:
    """The value of a name or attribute that leads out of the kernel."""
    match meaning:
        case NumberConstant():
            return outside.constant(lowering, meaning, path, node)
        case TupleConstant(element=element):
            return _items(lowering, meaning, path, element, node)
        case EnumMember(owner=owner, name=name, value=value):
            number = NumberConstant(NumberKind.INT, value, owner.scope, name)
            return outside.constant(lowering, number, (*path, "value"), node)
        case Known(builtin=row):
            register, _, axis = row.name.rpartition(".")
            if row.kind is BuiltinKind.VALUE and axis in AXES:
                span = lowering.span(node)
                return Number(Special(Register(register), AXES[axis], span), I64)
            if row.name in _OF_WARPS:
                return Number(Special(_OF_WARPS[row.name], 0, lowering.span(node)), I64)
            if row.name in MATH_VALUES:
                return literal(MATH_VALUES[row.name], lowering.span(node)) or UNKNOWN
            return MeaningValue(meaning, path)
        case _:
            return MeaningValue(meaning, path)


def _items(
    lowering: Lowering,
    tuple_: TupleConstant,
    path: tuple[str, ...],
    element: Scalar | None,
    node: ast.expr,
) -> TupleValue:
    """The items of a tuple from outside the kernel."""
    items: list[Value] = []
    for k, item in enumerate(tuple_.items):
        place = (*path, str(k))
        match item:
            case TupleConstant():
                items.append(_items(lowering, item, place, element, node))
            case NumberConstant():
                items.append(outside.constant(lowering, item, place, node, element))
    return TupleValue(tuple(items))


def attribute(lowering: Lowering, node: ast.Attribute) -> Value:
    """`a.shape`, `a.size`, `a.dtype`, `thread.x`, `module.NAME`."""
    base = lowering.evaluate(node.value)
    match base:
        case MeaningValue(meaning=meaning, path=path):
            found = lowering.resolver.attribute(meaning, node.attr)
            if found is not None:
                return means(lowering, found, (*path, node.attr), node)
            return _no_member(lowering, meaning, node)
        case ArrayValue():
            return array_attribute(lowering, base, node)
        case TupleValue(struct=StructType() as struct):
            return _field(lowering, base, struct, node)
        case Unknown():
            return UNKNOWN
        case Number() if node.attr == "value" and _is_member(lowering, node.value):
            return base
        case _:
            text = lowering.text(node.value)
            return lowering.refuse(
                node, f"`{text}` has no attributes in a kernel, so no `.{node.attr}`"
            )


def _is_member(lowering: Lowering, node: ast.expr) -> bool:
    scope = lowering.frame.function.scope
    return isinstance(lowering.resolver.expression(node, scope), EnumMember)


def subscript(lowering: Lowering, node: ast.Subscript) -> Value:
    """`a[i]`, `a[i, j]`, `a[i, :]`, `shape[k]`."""
    base = lowering.evaluate(node.value)
    match base:
        case ArrayValue():
            return _loaded(lowering, base, node)
        case TupleValue(struct=StructType(name=name)):
            return lowering.refuse(node, f"a `{name}` has no items; its fields have names")
        case TupleValue(items=items):
            return _item(lowering, base, items, node)
        case Unknown():
            return UNKNOWN
        case Number(expr=Read()) if isinstance(node.value, ast.Subscript):
            return _chained(lowering, node)
        case _:
            lowering.refuse_value(base, node.value)
            if isinstance(base, Number):
                text = lowering.text(node.value)
                lowering.mismatch(node, f"`{text}` is a number of type {base.type}, not an array")
            return UNKNOWN


def _loaded(lowering: Lowering, base: ArrayValue, node: ast.Subscript) -> Value:
    """An element of an array, or a view."""
    found = indexing.resolve(lowering, base, node)
    if found is None:
        return UNKNOWN
    if isinstance(found, ArrayValue):
        return found
    if base.array.ownership is Ownership.ATOMIC:
        return plain_access(lowering, base.array, node, "loaded")
    return load(lowering, base.array, found, node)


def load(lowering: Lowering, array: Array, index: tuple[Expr, ...], node: ast.expr) -> Number:
    """One element, loaded now."""
    span = lowering.span(node)
    local = lowering.temporary(array.element)
    lowering.emit(Load(local, array.name, index, lowering.site(), span))
    return Number(Read(local, span), array.element)


def store(lowering: Lowering, node: ast.Subscript, value: Value, value_node: ast.expr) -> None:
    """`a[i] = value`."""
    base = lowering.evaluate(node.value)
    if isinstance(base, Unknown):
        return
    if isinstance(base, TupleValue):
        lowering.refuse(node, "items of a tuple cannot be assigned")
        return
    if not isinstance(base, ArrayValue):
        lowering.refuse_value(base, node.value)
        if isinstance(base, Number):
            lowering.mismatch(node, f"`{lowering.text(node.value)}` is a number, not an array")
        return
    index = indexing.element(lowering, base, node.slice, node)
    number = lowering.number(value, value_node)
    put(lowering, base, index, number, node, value_node)


def store_attribute(
    lowering: Lowering, node: ast.Attribute, value: Value, value_node: ast.expr
) -> None:
    """`p.x = value`: kernels have no such thing."""
    del value, value_node
    base = lowering.evaluate(node.value)
    hint = ""
    if isinstance(base, TupleValue) and base.struct is not None:
        hint = f"; make a new one: `{base.struct.name}(…)`"
    lowering.refuse(node, f"`{lowering.text(node)}` cannot be assigned in a kernel{hint}")


def put(
    lowering: Lowering,
    target: ArrayValue,
    index: tuple[Expr, ...] | None,
    number: Number | None,
    node: ast.Subscript,
    value_node: ast.expr,
) -> None:
    """Store into an element what was computed before."""
    array = target.array
    if not writable(lowering, target, node) or index is None or number is None:
        return
    text = lowering.text(node.value)
    expr = lowering.convert(number, array.element, value_node, f"an element of `{text}`")
    if expr is not None:
        lowering.emit(Store(array.name, index, expr, lowering.site(), lowering.span(node)))


def writable(lowering: Lowering, target: ArrayValue, node: ast.Subscript) -> bool:
    """Whether plain stores are allowed; reported where not."""
    array = target.array
    if target.read_only or array.ownership is Ownership.READ_ONLY:
        rule = ox101_write_to_read_only_slice
        fixes = tuple(_owned(lowering, array))
        lowering.report(rule.RULE, node, rule.message(lowering.text(node.value)), fixes=fixes)
        return False
    if array.ownership is Ownership.ATOMIC:
        plain_access(lowering, array, node, "stored")
        return False
    return True


def _owned(lowering: Lowering, array: Array) -> Iterator[Fix]:
    """The parameter of the kernel as one that may be written; what a helper's says stays."""
    if lowering.frame.parent is not None:
        return
    for argument, _ in parameters(lowering.root.node):
        annotation = argument.annotation
        if argument.arg != array.name or not isinstance(annotation, ast.Subscript):
            continue
        head = annotation.value
        if isinstance(head, ast.Name) and head.id in _WRITABLE:
            word = _WRITABLE[head.id]
            yield Fix(f"declare `{array.name}` as a `{word}`", (Edit(lowering.span(head), word),))


def plain_access(lowering: Lowering, array: Array, node: ast.Subscript, verb: str) -> Value:
    """Report a plain access of an `AtomicSlice`; a load goes on as a number."""
    rule = ox106_mixed_atomic_access
    lowering.report(rule.RULE, node, rule.message(lowering.text(node.value), verb))
    element = array.element
    return Number(Const(arithmetic.zero(element), element, lowering.span(node)), element)


def _no_member(lowering: Lowering, meaning: Meaning, node: ast.Attribute) -> Value:
    text = lowering.text(node)
    match meaning:
        case Known(builtin=row) if row.kind is BuiltinKind.NAMESPACE:
            return _no_attribute(lowering, node, members_of(row))
        case UserClass(kind=ClassKind.ENUM) as owner:
            return _no_attribute(lowering, node, tuple(lowering.resolver.members(owner)))
        case ModuleMeaning() | HostObject():
            return unknown_name(lowering, node, text)
        case _:
            return lowering.refuse(
                node, f"`{lowering.text(node.value)}` has no `.{node.attr}` in a kernel"
            )


def _no_attribute(lowering: Lowering, node: ast.Attribute, offered: tuple[str, ...]) -> Unknown:
    from difflib import get_close_matches

    close = get_close_matches(node.attr, offered, n=1, cutoff=0.5)
    near = f"{lowering.text(node.value)}.{close[0]}" if close else None
    message = ox004_unknown_name.attribute(lowering.text(node), near, offered)
    lowering.report(ox004_unknown_name.RULE, node, message)
    return UNKNOWN


def array_attribute(lowering: Lowering, value: ArrayValue, node: ast.Attribute) -> Value:
    """`a.shape`, `a.size`, `a.dtype`, `a.ndim`."""
    span = lowering.span(node)
    text = lowering.text(node.value)
    match node.attr:
        case "shape":
            return TupleValue(
                tuple(Number(indexing.extent(value, k, span), I64) for k in range(value.rank))
            )
        case "size":
            size = indexing.extent(value, 0, span)
            for k in range(1, value.rank):
                other = indexing.extent(value, k, span)
                size = Binary(BinaryOp.MUL, size, other, I64, span)
            return Number(size, I64, depth=value.rank)
        case "dtype":
            row = lookup(value.array.element.name)
            return MeaningValue(Known(row), ("dtype",)) if row is not None else UNKNOWN
        case "ndim":
            return literal(value.rank, span) or UNKNOWN
        case "load":
            return lowering.refuse(node, f"`{text}.load` is called: `{text}.load(i, 4)`")
        case "store":
            return lowering.refuse(node, f"`{text}.store` is called: `{text}.store(i, (x, y))`")
        case _:
            return lowering.refuse(
                node,
                f"`{text}` has no `.{node.attr}` in a kernel; it has `.shape`, `.size`, `.dtype`",
            )


def _field(lowering: Lowering, value: TupleValue, struct: StructType, node: ast.Attribute) -> Value:
    place = struct.place(node.attr)
    if place is not None:
        return value.items[place]
    methods = [part.name for part in struct.owner.node.body if isinstance(part, ast.FunctionDef)]
    if node.attr in methods:
        return lowering.refuse(
            node,
            f"`{node.attr}` is a method of `{struct.name}`; write a `@device` function that "
            f"takes the `{struct.name}`",
        )
    offered = tuple(field.name for field in struct.fields)
    return _no_attribute(lowering, node, offered)


def _item(
    lowering: Lowering, base: TupleValue, items: tuple[Value, ...], node: ast.Subscript
) -> Value:
    # What an index that is no literal needs is computed again for the array.
    with lowering.collect():
        value = lowering.evaluate(node.slice)
    if isinstance(value, Unknown):
        return UNKNOWN
    if (
        not isinstance(value, Number)
        or not isinstance(value.value, int)
        or not isinstance(value.expr, Const)
    ):
        array = tables.table(lowering, base, node.value)
        return UNKNOWN if array is None else _loaded(lowering, array, node)
    if not -len(items) <= value.value < len(items):
        return lowering.mismatch(node, f"a tuple of {len(items)} has no item {value.value}")
    return items[value.value]


def _chained(lowering: Lowering, node: ast.Subscript) -> Value:
    text = lowering.text(node.value)
    return lowering.mismatch(node, f"`{text}` is a number, not an array")


def scalar_of(value: Value) -> Scalar | None:
    """The scalar type that a value names: `f32`, `a.dtype`; None if it names none."""
    from oxide_analyzer.frontends.oxide.annotations import SCALAR_NAMES

    if isinstance(value, MeaningValue) and isinstance(value.meaning, Known):
        return SCALAR_NAMES.get(value.meaning.builtin.name)
    return None
