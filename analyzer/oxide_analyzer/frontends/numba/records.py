"""Arrays of records and of complex numbers: an array of the IR for each leaf of an element.

    pts[i].x = v             store pts.x[i]
    pts["v"][i, 1]           load pts.v[i, 1], whose last extent is the field's own
    p = pts[i]               nothing yet: p is a reference, as in Numba
    p.x += 1                 %1 = load pts.x[i]; store pts.x[i], %1 + 1
    pts[i] = qts[j]          each leaf is loaded and stored
    c[i]                     both parts are loaded: a complex number is a value

The first leaf has the name of the array. What of a record shares bytes with another field of it is
one array of bytes, so that the provers see one element where there is one: what is read there is
not known, and the kernel is not compiled.
"""

from __future__ import annotations

from itertools import product
from typing import TYPE_CHECKING

from oxide_analyzer.frontends.numba import complexes
from oxide_analyzer.frontends.numba.promotion import as_type
from oxide_analyzer.frontends.oxide import indexing
from oxide_analyzer.frontends.oxide.values import (
    UNKNOWN,
    ArrayValue,
    Elements,
    Number,
    TupleValue,
    View,
)
from oxide_analyzer.ir.nodes import (
    Array,
    Const,
    Load,
    Ownership,
    Part,
    Read,
    Space,
    Spelling,
    Store,
)
from oxide_analyzer.language.records import Record, RecordLeaf
from oxide_analyzer.language.types import I64, U8, Scalar
from oxide_analyzer.record import record

if TYPE_CHECKING:
    import ast
    from collections.abc import Iterator

    from oxide_analyzer.frontends.numba.lowering import NumbaLowering
    from oxide_analyzer.frontends.oxide.values import Value
    from oxide_analyzer.ir.nodes import Expr
    from oxide_analyzer.source import Span

_MOST_NUMBERS = 64


@record
class Held:
    """The array that a leaf is; `is_shared` if others have its bytes, too."""

    array: Array
    is_shared: bool


def allocated(
    lowering: NumbaLowering,
    name: str,
    type: Record,
    shape: tuple[Expr, ...],
    space: Space,
    span: Span,
) -> ArrayValue:
    """An array of records, or of complex numbers. `shape` is that of its first leaf."""
    ownership = Ownership.DISJOINT if space is Space.GLOBAL else Ownership.SCRATCH
    overlapping = type.overlapping()
    first: Array | None = None
    blurred: Array | None = None
    for leaf in type.leaves():
        is_shared = leaf.path in overlapping
        if is_shared and blurred is not None:
            lowering.leaves[name, leaf.path] = Held(blurred, True)
            continue
        element, own = (U8, ()) if is_shared else (leaf.type, leaf.shape)
        one = RecordLeaf(leaf.path, element, leaf.offset, own, () if is_shared else leaf.strides)
        array = Array(
            name if first is None else lowering.unique(f"{name}.{leaf.name}"),
            element,
            (*shape, *(Const(extent, I64, span) for extent in own)),
            space,
            ownership,
            span,
            part=Part(name, type, one) if space is Space.GLOBAL else None,
            spelling=spelling(name, type, leaf, len(shape)),
        )
        lowering.arrays[array.name] = array
        lowering.leaves[name, leaf.path] = Held(array, is_shared)
        first, blurred = first or array, array if is_shared else blurred
    assert first is not None
    return ArrayValue(first, elements=Elements(name, type, (), len(shape)))


def spelling(name: str, type: Record, leaf: RecordLeaf, rank: int) -> Spelling:
    """How the source says a leaf: the parts of a complex number are not said apart."""
    path: list[str] = []
    inside: Record | Scalar = type
    for one in leaf.path:
        if isinstance(inside, Record) and inside.is_complex:
            break
        path.append(one)
        found = inside.field(one) if isinstance(inside, Record) else None
        inside = found.type if found is not None else inside
    return Spelling(name, rank, ".".join(path))


def constant(
    lowering: NumbaLowering,
    name: str,
    type: Record,
    shape: tuple[int, ...],
    columns: tuple[tuple[int | float | bool, ...], ...],
    span: Span,
) -> ArrayValue:
    """A constant array of records, by the columns of their leaves."""
    first: Array | None = None
    for leaf, column in zip(type.leaves(), columns, strict=True):
        own = name if first is None else lowering.unique(f"{name}.{leaf.name}")
        array = table(lowering, own, leaf.type, (*shape, *leaf.shape), column, span)
        lowering.leaves[name, leaf.path] = Held(array, False)
        first = first or array
    assert first is not None
    return ArrayValue(first, True, elements=Elements(name, type, (), len(shape)))


def table(
    lowering: NumbaLowering,
    name: str,
    type: Scalar,
    shape: tuple[int, ...],
    values: tuple[int | float | bool, ...],
    span: Span,
) -> Array:
    """A constant array of numbers."""
    extents = tuple(Const(extent, I64, span) for extent in shape)
    contents = tuple(Const(value, type, span) for value in values)
    array = Array(name, type, extents, Space.CONSTANT, Ownership.READ_ONLY, span, contents)
    lowering.arrays[name] = array
    return array


def leaves_of(lowering: NumbaLowering, value: ArrayValue) -> Iterator[Array]:
    """The arrays of which an array consists."""
    elements = value.elements
    if elements is None:
        yield value.array
        return
    for (memory, path), held in lowering.leaves.items():
        if memory == elements.memory and path[: len(elements.path)] == elements.path:
            yield held.array


def item(
    lowering: NumbaLowering, base: ArrayValue, index: tuple[Expr, ...], node: ast.expr
) -> Value:
    """The element at indices of the base array: a complex number, or a reference to a record."""
    return read(lowering, reference(lowering, base, index, lowering.span(node)), node)


def reference(
    lowering: NumbaLowering, base: ArrayValue, index: tuple[Expr, ...], span: Span
) -> ArrayValue:
    """The element at indices of the base array, as an array without dimensions."""
    fixed = tuple(indexing.leaf(lowering, one, span) for one in index)
    return ArrayValue(base.array, base.read_only, View(fixed, None, None), base.elements)


def field(lowering: NumbaLowering, base: ArrayValue, name: str, node: ast.expr) -> Value | None:
    """A field of a record, or of each record of an array; None if there is no such field."""
    elements = base.elements
    found = None if elements is None else elements.type.field(name)
    if elements is None or found is None:
        return None
    path, rank = (*elements.path, name), elements.rank + len(found.shape)
    if isinstance(found.type, Record):
        inner = Elements(elements.memory, found.type, path, rank)
        array = next(leaves_of(lowering, ArrayValue(base.array, elements=inner)))
        return read(lowering, ArrayValue(array, base.read_only, base.view, inner), node)
    held = lowering.leaves[elements.memory, path]
    if held.is_shared:
        return _shared_field(lowering, base, held, rank, node)
    return read(lowering, ArrayValue(held.array, base.read_only, base.view), node)


def read(lowering: NumbaLowering, value: ArrayValue, node: ast.expr) -> Value:
    """What an array without dimensions is: a number or a complex one; others are themselves."""
    if value.rank or value.view is None:
        return value
    span = lowering.span(node)
    if value.elements is None:
        return _load(lowering, value.array, _index(value, span), span)
    if not value.elements.type.is_complex:
        return value
    real, imaginary = (
        _load(lowering, array, _index(value, span), span) for array in leaves_of(lowering, value)
    )
    return TupleValue((real, imaginary), complexes.COMPLEX)


def put(
    lowering: NumbaLowering, target: ArrayValue, value: Value, node: ast.expr, value_node: ast.expr
) -> None:
    """Store a value in the record that an array without dimensions refers to."""
    elements = target.elements
    assert elements is not None
    span = lowering.span(node)
    if elements.type.is_complex:
        if isinstance(value, Number):
            value = complexes.of_number(lowering, value, span)
        elif not complexes.is_complex(value):
            value = complexes.of_number(lowering, lowering.number(value, value_node), span)
        parts = complexes.parts(lowering, value, span)
        for array, part in zip(leaves_of(lowering, target), parts, strict=True):
            expr = as_type(Number(part, part.type), array.element, span)
            _store(lowering, array, _index(target, span), expr, span)
        return
    if (
        isinstance(value, ArrayValue)
        and not value.rank
        and value.elements is not None
        and value.elements.type == elements.type
        and _copy(lowering, target, value, span, lowering.span(value_node))
    ):
        return
    lowering.lose(target)
    lowering.assume(node, f"what is stored to `{lowering.text(node)}`")


def put_field(
    lowering: NumbaLowering,
    base: ArrayValue,
    name: str,
    value: Value,
    node: ast.expr,
    value_node: ast.expr,
) -> bool:
    """Store a value in a field of a record; False if that is none."""
    elements = base.elements
    found = None if elements is None else elements.type.field(name)
    if elements is None or found is None:
        return False
    path = (*elements.path, name)
    if isinstance(found.type, Scalar) and not found.shape and not base.rank:
        held, span = lowering.leaves[elements.memory, path], lowering.span(node)
        if held.is_shared:
            made = lowering.forget(value_node, "bytes that fields share", U8, adapts=False)
            expr = made.expr
            lowering.assume(node, f"what `{name}` holds, which shares its bytes")
        else:
            number = lowering.number(value, value_node)
            expr = lowering.convert(number, held.array.element, value_node, "a field")
        _store(lowering, held.array, _index(base, span), expr, span)
        return True
    inner = base
    if isinstance(found.type, Record):
        rank = elements.rank + len(found.shape)
        inner = ArrayValue(
            base.array,
            base.read_only,
            base.view,
            Elements(elements.memory, found.type, path, rank),
        )
        if not inner.rank:
            put(lowering, inner, value, node, value_node)
            return True
    # A whole array at once, as NumPy would have it.
    lowering.lose(inner)
    lowering.assume(node, f"what is stored to `{lowering.text(node)}`")
    return True


def _shared_field(
    lowering: NumbaLowering, base: ArrayValue, held: Held, rank: int, node: ast.expr
) -> Value:
    """A field whose bytes others have: an access of them, and a value that nobody knows."""
    lowering.assume(node, f"what `{lowering.text(node)}` holds, which shares its bytes")
    if base.rank or (base.elements is not None and rank > base.elements.rank):
        lowering.lose(base)
        return UNKNOWN
    span = lowering.span(node)
    _load(lowering, held.array, _index(base, span), span)
    return lowering.forget(node, f"`{lowering.text(node)}`")


def _copy(
    lowering: NumbaLowering, target: ArrayValue, source: ArrayValue, span: Span, origin: Span
) -> bool:
    """Copy each number of a record; False if there are too many, or bytes that fields share."""
    assert target.elements is not None
    assert source.elements is not None
    pairs: list[tuple[Array, Array, tuple[int, ...]]] = []
    for leaf in target.elements.type.leaves():
        own, others = (
            lowering.leaves[one.memory, (*one.path, *leaf.path)]
            for one in (target.elements, source.elements)
        )
        if own.is_shared or others.is_shared:
            return False
        places = product(*(range(extent) for extent in leaf.shape))
        pairs += [(own.array, others.array, place) for place in places]
    if len(pairs) > _MOST_NUMBERS:
        return False
    loaded: list[Number] = []
    for _, array, place in pairs:
        loaded.append(_load(lowering, array, _index(source, origin, place), origin))
    for (array, _, place), number in zip(pairs, loaded, strict=True):
        _store(lowering, array, _index(target, span, place), number.expr, span)
    return True


def _index(value: ArrayValue, span: Span, own: tuple[int, ...] = ()) -> tuple[Expr, ...]:
    """The indices that a reference stands for, and those inside the record."""
    fixed = () if value.view is None else value.view.fixed
    inner = (Const(place, I64, span) for place in own)
    return (*(indexing.placed(one, span) for one in fixed), *inner)


def _load(lowering: NumbaLowering, array: Array, index: tuple[Expr, ...], span: Span) -> Number:
    local = lowering.temporary(array.element)
    lowering.emit(Load(local, array.name, index, lowering.site(), span))
    return Number(Read(local, span), array.element)


def _store(
    lowering: NumbaLowering, array: Array, index: tuple[Expr, ...], expr: Expr, span: Span
) -> None:
    lowering.emit(Store(array.name, index, expr, lowering.site(), span))
