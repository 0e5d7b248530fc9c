"""Several neighbouring elements at once: `a.load(i, 4)` and `out.store(i, (x, y, z, w))`.

    x, y = a.load((r, c), 2)          check aligned (r * a.shape[1] + c) % 2
                                is    %1 = load a[r, c]
                                      %2 = load a[r, c + 1]

Each element keeps its own bound. That the first one lies at a multiple of the width is an
obligation of its own, over offsets in C order from the start of the base array.
"""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING

from oxide_analyzer.frontends.oxide import indexing, places
from oxide_analyzer.frontends.oxide.arguments import literal_integer
from oxide_analyzer.frontends.oxide.values import (
    NOTHING,
    UNKNOWN,
    ArrayValue,
    TupleValue,
    Unknown,
)
from oxide_analyzer.ir.nodes import Binary, BinaryOp, CheckAligned, Ownership, Store
from oxide_analyzer.language.types import I64
from oxide_analyzer.rules import ox101_write_to_read_only_slice, ox106_mixed_atomic_access

if TYPE_CHECKING:
    from oxide_analyzer.frontends.oxide.lowering import Lowering
    from oxide_analyzer.frontends.oxide.values import Value
    from oxide_analyzer.ir.nodes import Array, Expr
    from oxide_analyzer.source import Span

WIDE = ("load", "store")
_WIDTHS = (2, 4, 8, 16)
_MOST_BYTES = 16


def wide(lowering: Lowering, node: ast.Call, base: ArrayValue, method: ast.Attribute) -> Value:
    """`array.load(index, width)` or `array.store(index, values)`."""
    text = lowering.text(method.value)
    loads = method.attr == "load"
    form = f"`{text}.load(i, 4)`" if loads else f"`{text}.store(i, (x, y))`"
    if node.keywords or len(node.args) != 2 or isinstance(node.args[0], ast.Starred):
        return lowering.mismatch(node, f"`.{method.attr}` of an array is written {form}")
    if base.array.ownership is Ownership.ATOMIC:
        rule = ox106_mixed_atomic_access
        verb = "loaded" if loads else "stored"
        lowering.report(rule.RULE, node, rule.message(text, verb))
        return UNKNOWN
    if not loads and (base.read_only or base.array.ownership is Ownership.READ_ONLY):
        rule = ox101_write_to_read_only_slice
        lowering.report(rule.RULE, node, rule.message(text))
        return UNKNOWN
    index = indexing.element_parts(lowering, base, node.args[0], node.args[0])
    operation = _load if loads else _store
    return operation(lowering, node, base, index)


def _load(lowering: Lowering, node: ast.Call, base: ArrayValue, index: list[Expr] | None) -> Value:
    width = literal_integer(lowering, node.args[1], _WIDTHS, "the width")
    if index is None or width is None or not _fits(lowering, node, base.array, width):
        return UNKNOWN
    span = lowering.span(node)
    held = aligned(lowering, base, index, width, span)
    loaded = (
        places.load(lowering, base.array, indexing.at_offset(lowering, base, held, k, span), node)
        for k in range(width)
    )
    return TupleValue(tuple(loaded))


def _store(lowering: Lowering, node: ast.Call, base: ArrayValue, index: list[Expr] | None) -> Value:
    given = node.args[1]
    values = lowering.evaluate(given)
    if isinstance(values, Unknown):
        return UNKNOWN
    if not isinstance(values, TupleValue) or len(values.items) not in _WIDTHS:
        return lowering.mismatch(given, "`.store` writes a tuple of 2, 4, 8 or 16 numbers")
    width = len(values.items)
    nodes = given.elts if isinstance(given, ast.Tuple) else [given] * width
    element = base.array.element
    exprs: list[Expr] = []
    for item, item_node in zip(values.items, nodes, strict=True):
        number = lowering.number(item, item_node)
        what = f"an element of `{base.array.name}`"
        expr = None if number is None else lowering.convert(number, element, item_node, what)
        if expr is not None:
            exprs.append(expr)
    if index is None or len(exprs) < width or not _fits(lowering, node, base.array, width):
        return UNKNOWN
    span = lowering.span(node)
    held = aligned(lowering, base, index, width, span)
    for k, expr in enumerate(exprs):
        place = indexing.at_offset(lowering, base, held, k, span)
        lowering.emit(Store(base.array.name, place, expr, lowering.site(), span))
    return NOTHING


def _fits(lowering: Lowering, node: ast.Call, array: Array, width: int) -> bool:
    size = width * array.element.size
    if size > _MOST_BYTES:
        most = _MOST_BYTES // array.element.size
        lowering.mismatch(
            node,
            f"{width} elements of {array.element} are {size} bytes; at most {_MOST_BYTES} are "
            f"moved at once, which are {most}",
        )
    return size <= _MOST_BYTES


def aligned(
    lowering: Lowering, base: ArrayValue, index: list[Expr], width: int, span: Span
) -> list[Expr]:
    """Demand that the first element is aligned; gives the indices, to be used again."""
    held: list[Expr] = [indexing.leaf(lowering, one, span) for one in index]
    if width == 1:
        return held
    place = indexing.unchecked(base, held, span)
    offset = place[0]
    for axis, one in enumerate(place[1:], 1):
        extent = indexing.length(base.array, axis, span)
        row = Binary(BinaryOp.MUL, offset, extent, I64, span)
        offset = Binary(BinaryOp.ADD, row, one, I64, span)
    lowering.emit(CheckAligned(base.array.name, offset, width, lowering.site(), span))
    return held
