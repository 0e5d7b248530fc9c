"""Constant arrays: tuples of numbers outside of kernels, under an index that is no literal.

    WEIGHTS: tuple[f32, ...] = (0.25, 0.5, 0.25)

    WEIGHTS[1]          $WEIGHTS.1, as ever
    WEIGHTS[k]          %1 = load WEIGHTS[k], of a constant array WEIGHTS: f32[3]

A tuple of tuples of one length is an array of two dimensions, and so on; `TABLE[i]` is then a row.
The elements have the type that the annotation says, else what a name has to which such literals
are assigned: `i64`, `f32` (`f64` if one does not fit it) or bool. There is one array for each
tuple, however often it is named.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from oxide_analyzer.frontends.oxide.values import (
    ArrayValue,
    Give,
    Number,
    TupleValue,
    at,
    literal_fits,
)
from oxide_analyzer.ir.nodes import Array, Const, Ownership, Space, Symbol
from oxide_analyzer.language.types import F32, F64, I64, Kind

if TYPE_CHECKING:
    import ast
    from collections.abc import Iterator

    from oxide_analyzer.frontends.oxide.lowering import Lowering
    from oxide_analyzer.language.types import Scalar

MOST_ELEMENTS = 4096


def table(lowering: Lowering, value: TupleValue, node: ast.expr) -> ArrayValue | None:
    """The constant array of a tuple; None where the reason why it is none was reported."""
    shape = _shape(value)
    leaves = list(_leaves(value))
    if shape is None or not all(leaf.constant for leaf in leaves):
        lowering.refuse(
            node,
            "the index of a tuple is a literal, save of constants; use a `LocalArray` otherwise",
        )
        return None
    if len(leaves) > MOST_ELEMENTS:
        text = lowering.text(node)
        lowering.refuse(
            node,
            f"`{text}` has {len(leaves)} elements, and a constant array at most {MOST_ELEMENTS}; "
            "pass a `Slice`",
        )
        return None
    element = _element(leaves)
    if element is None:
        lowering.mismatch(node, f"the items of `{lowering.text(node)}` have no common type")
        return None
    key = tuple(_name(leaf) for leaf in leaves), shape, element
    known = lowering.tables.get(key)
    if known is None:
        contents = [at(leaf, element) for leaf in leaves]
        span = lowering.span(node)
        extents = tuple(Const(extent, I64, span) for extent in shape)
        known = Array(
            lowering.unique(_stem(leaves[0], len(shape))),
            element,
            extents,
            Space.CONSTANT,
            Ownership.READ_ONLY,
            span,
            tuple(one for one in contents if one is not None),
        )
        if len(known.contents) < len(leaves):
            lowering.mismatch(node, f"not every item of `{lowering.text(node)}` fits {element}")
            return None
        lowering.tables[key] = lowering.arrays[known.name] = known
    return ArrayValue(known, read_only=True)


def _shape(value: TupleValue) -> tuple[int, ...] | None:
    """The extents of nested tuples; None if they are ragged, or no tuples of numbers."""
    inner = {
        _shape(item) if isinstance(item, TupleValue) else () if isinstance(item, Number) else None
        for item in value.items
    }
    rest = inner.pop() if len(inner) == 1 else None
    return None if rest is None or value.struct is not None else (len(value.items), *rest)


def _leaves(value: TupleValue) -> Iterator[Number]:
    for item in value.items:
        if isinstance(item, TupleValue):
            yield from _leaves(item)
        elif isinstance(item, Number):
            yield item


def _element(leaves: list[Number]) -> Scalar | None:
    """The type of the elements: what is settled, else what literals have by themselves."""
    settled = {leaf.type for leaf in leaves if leaf.give is not Give.LITERAL}
    if settled:
        return settled.pop() if len(settled) == 1 else None
    kinds = {leaf.type.kind for leaf in leaves}
    if Kind.BOOL in kinds:
        return None
    if Kind.FLOAT not in kinds:
        return I64
    fits = all(leaf.value is None or literal_fits(leaf.value, F32) for leaf in leaves)
    return F32 if fits else F64


def _name(leaf: Number) -> object:
    """What tells one constant from another."""
    match leaf.expr:
        case Symbol(name=name):
            return name
        case expr:
            return repr(leaf.value), expr.type


def _stem(first: Number, rank: int) -> str:
    """The name of the tuple: that of its first item without its places."""
    if isinstance(first.expr, Symbol):
        return ".".join(first.expr.name.partition("@")[0].split(".")[:-rank]) or "table"
    return "table"
