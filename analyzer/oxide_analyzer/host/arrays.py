"""Shapes of arrays: what their attributes, lengths and slices are."""

from __future__ import annotations

from typing import TYPE_CHECKING

from oxide_analyzer.host.values import UNKNOWN, Items, Kind, Method, Thing, Value
from oxide_analyzer.sizes import Symbol, Whole

if TYPE_CHECKING:
    import ast

    from oxide_analyzer.host.expressions import Expressions
    from oxide_analyzer.sizes import Size


def attribute(array: Thing, name: str) -> Value:
    """`x.shape`, `x.size`; else a method."""
    shape = array.shape
    if name in ("dtype", "nbytes", "device", "itemsize"):
        return UNKNOWN
    if name not in ("shape", "size", "ndim"):
        return Method(array, name)
    if shape is None:
        return UNKNOWN
    if name == "shape":
        return Items(shape)
    if name == "ndim":
        return len(shape)
    size: Size = 1
    for extent in shape:
        if isinstance(size, int) and isinstance(extent, int):
            size = size * extent
        else:
            size = extent if size == 1 else Whole("*", size, extent)
    return size


def length(value: Value) -> Value:
    """`len(x)`."""
    match value:
        case Items(items=items):
            return len(items)
        case Thing(shape=shape) if shape:
            return shape[0]
        case Symbol(name=name):
            return Symbol(f"len({name})")
        case _:
            return UNKNOWN


def shape_of(value: Value) -> tuple[Size, ...] | None:
    """A shape as it is given to `zeros`; what may be a number or a tuple has no shape."""
    match value:
        case int() | Whole():
            return (value,)
        case Symbol():
            # As a tuple it would be another array's shape; its first extent is one thing as well.
            return (value,)
        case Items(items=items):
            found = tuple(item for item in items if isinstance(item, int | Symbol | Whole))
            return found if len(found) == len(items) else None
        case _:
            return None


def sliced(here: Expressions, array: Thing, node: ast.Slice, whole: ast.expr) -> Value:
    """`x[low:high]` of an array of the host: a view."""
    ends: list[int | None] = []
    for end in (node.lower, node.upper, node.step):
        value = None if end is None else here.value(end)
        if not isinstance(value, int | None):
            ends = []
            break
        ends.append(value)
    shape = None
    if ends and array.shape and isinstance(array.shape[0], int) and ends[2] != 0:
        count = len(range(*slice(*ends).indices(array.shape[0])))
        shape = (count, *array.shape[1:])
    if array.number in here.state.flights:
        here.read(array, whole)
    return here.made(Kind.HOST_ARRAY, whole, shape=shape)


def of_literal(value: Value) -> tuple[Size, ...] | None:
    """The shape of `np.array([1, 2, 3])`."""
    match value:
        case Items(items=items):
            inner = [of_literal(item) for item in items]
            if not inner:
                return (0,)
            if any(shape is None or shape != inner[0] for shape in inner):
                return None
            return (len(items), *(inner[0] or ()))
        case int():
            return ()
        case Thing(shape=shape):
            return shape
        case _:
            return None
