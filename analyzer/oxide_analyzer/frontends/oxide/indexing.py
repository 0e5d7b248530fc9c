"""From subscripts to indices of the base array: elements and views.

A view is an index map that is resolved while the kernel is read; in the IR there are the base
array and its indices. Where a view is made its ends are checked; an access through it is checked
against the view first, unless the view spans that whole axis: then the base's bound is the same.

    v = a[i:j]            %1 = i; %2 = j
                          check view %1 <= %2 <= a.shape[0]
                    is    %3 = %2 - %1
    x = v[k]              check index k < %3
                          %4 = load a[%1 + k]
    row = m[r, :]         %5 = r
                          check row %5 < m.shape[0]
    y = row[k]            %6 = load m[%5, k]

What a view is made of is checked where it is written, so that a mistake is found there and not in
the helper that uses the view; the same bound of an access behind it is known from that check.

The ends and indices of a view are kept in temporaries, because the names that they were made of
may change before the view is used.
"""

from __future__ import annotations

import ast
from dataclasses import replace
from typing import TYPE_CHECKING, TypeAlias

from oxide_analyzer.frontends.oxide.values import (
    ArrayValue,
    Number,
    TupleValue,
    Unknown,
    View,
)
from oxide_analyzer.ir.nodes import (
    Assign,
    Binary,
    BinaryOp,
    CheckIndex,
    CheckView,
    Const,
    Dim,
    Param,
    Read,
    Special,
    Symbol,
)
from oxide_analyzer.language.types import I64
from oxide_analyzer.record import record

if TYPE_CHECKING:
    from oxide_analyzer.frontends.oxide.lowering import Lowering
    from oxide_analyzer.ir.nodes import Array, Expr
    from oxide_analyzer.source import Span

Leaf: TypeAlias = Const | Symbol | Read | Param | Special | Dim


@record
class Cut:
    """`start:stop` of one axis; None is an end of the axis."""

    start: Expr | None
    stop: Expr | None

    @property
    def is_whole(self) -> bool:
        """`:`."""
        return self.start is None and self.stop is None


Part: TypeAlias = "Expr | Cut"


def length(array: Array, axis: int, span: Span) -> Expr:
    """`array.shape[axis]`, placed at `span`."""
    extent = array.shape[axis]
    return Dim(extent.array, extent.axis, span) if isinstance(extent, Dim) else extent


def extent(value: ArrayValue, axis: int, span: Span) -> Expr:
    """`value.shape[axis]` of an array or a view of one."""
    view = value.view
    if view is None:
        return length(value.array, axis, span)
    if axis == 0 and view.extent is not None:
        return placed(view.extent, span)
    return length(value.array, axis + len(view.fixed), span)


def resolve(
    lowering: Lowering, base: ArrayValue, node: ast.Subscript
) -> tuple[Expr, ...] | ArrayValue | None:
    """What a subscript names: an element, by its indices in the base array, or a view."""
    parts = _parts(lowering, base, _nodes(node.slice), node)
    if parts is None:
        return None
    exprs = [part for part in parts if not isinstance(part, Cut)]
    if len(exprs) == base.rank:
        return _element(lowering, base, exprs, lowering.span(node))
    return _view(lowering, base, parts, node)


def element(
    lowering: Lowering, base: ArrayValue, index: ast.expr, node: ast.expr
) -> tuple[Expr, ...] | None:
    """The indices in the base array of one element; None where it was reported."""
    exprs = element_parts(lowering, base, index, node)
    return None if exprs is None else _element(lowering, base, exprs, lowering.span(node))


def element_parts(
    lowering: Lowering, base: ArrayValue, index: ast.expr, node: ast.expr
) -> list[Expr] | None:
    """One index for each dimension of an array or view; None where it was reported."""
    parts = _parts(lowering, base, _nodes(index), node)
    if parts is None:
        return None
    exprs = [part for part in parts if not isinstance(part, Cut)]
    if len(exprs) < len(parts):
        lowering.refuse(node, f"`{lowering.text(node)}` is a view; index its elements in a loop")
        return None
    if len(exprs) < base.rank:
        _wrong_count(lowering, base, len(exprs), node)
        return None
    return exprs


def at(lowering: Lowering, base: ArrayValue, index: Expr, span: Span) -> tuple[Expr, ...]:
    """The indices in the base array of one element along the only axis of `base`."""
    return _element(lowering, base, [index], span)


def unchecked(base: ArrayValue, index: list[Expr], span: Span) -> tuple[Expr, ...]:
    """The indices in the base array of `base[index]`, for a number that accesses nothing."""
    first, *rest = index
    view = base.view or View((), None, None)
    fixed = (placed(one, span) for one in view.fixed)
    return (*fixed, _sum(view.start, first, span), *rest)


def at_offset(
    lowering: Lowering, base: ArrayValue, index: list[Expr], offset: int, span: Span
) -> tuple[Expr, ...]:
    """The indices in the base array of the element `offset` behind `index` on the last axis."""
    *front, last = (placed(one, span) if isinstance(one, Leaf) else one for one in index)
    if offset and isinstance(last, Const):
        last = Const(I64.wrap(int(last.value) + offset), I64, span)
    elif offset:
        last = Binary(BinaryOp.ADD, last, Const(offset, I64, span), I64, span)
    return _element(lowering, base, [*front, last], span)


def leaf(lowering: Lowering, expr: Expr, span: Span) -> Leaf:
    """The value of an expression, to be used again later: a leaf that nothing changes."""
    if isinstance(expr, Const | Symbol | Param | Special | Dim):
        return expr
    if isinstance(expr, Read) and expr.local.name.startswith("%"):
        return expr
    local = lowering.temporary(expr.type)
    lowering.emit(Assign(local, expr, span))
    return Read(local, span)


def _nodes(index: ast.expr) -> list[ast.expr]:
    return index.elts if isinstance(index, ast.Tuple) else [index]


def _parts(
    lowering: Lowering, base: ArrayValue, nodes: list[ast.expr], node: ast.expr
) -> list[Part] | None:
    """The parts of a subscript, at most one for each dimension; None where it was reported."""
    if base.array.name in lowering.fragments and lowering.frame.place is None:
        text = base.array.name
        message = f"`{text}` is a fragment, whose elements have no names; use `mma.store`"
        lowering.refuse(node, message)
        return None
    if len(nodes) == 1 and base.rank > 1 and not isinstance(nodes[0], ast.Slice):
        value = lowering.evaluate(nodes[0])
        if isinstance(value, Unknown):
            return None
        items = value.items if isinstance(value, TupleValue) else (value,)
        found: list[Part | None] = []
        for item in items:
            number = lowering.number(item, nodes[0])
            found.append(None if number is None else _integer(lowering, number, nodes[0]))
    else:
        found = [_part(lowering, part) for part in nodes]
    if len(found) > base.rank:
        _wrong_count(lowering, base, len(found), node)
        return None
    parts = [part for part in found if part is not None]
    if lowering.counts_from_behind:
        span = lowering.span(node)
        parts = [_from_front(base, axis, part, span) for axis, part in enumerate(parts)]
    return parts if len(parts) == len(found) else None


def _from_front(base: ArrayValue, axis: int, part: Part, span: Span) -> Part:
    """A part whose negative literals count from behind, which they do in some dialects."""

    def placed_in_front(expr: Expr | None) -> Expr | None:
        if not isinstance(expr, Const) or expr.value >= 0:
            return expr
        back = Const(-expr.value, I64, span)
        return Binary(BinaryOp.SUB, extent(base, axis, span), back, I64, span)

    if isinstance(part, Cut):
        return Cut(placed_in_front(part.start), placed_in_front(part.stop))
    return placed_in_front(part) or part


def _part(lowering: Lowering, node: ast.expr) -> Part | None:
    if not isinstance(node, ast.Slice):
        return lowering.index(node)
    if node.step is not None:
        lowering.refuse(node, "a view has no step; index every element that is meant in a loop")
        return None
    ends: list[Expr | None] = []
    for end in (node.lower, node.upper):
        expr = None if end is None else lowering.index(end, "an end of a view")
        if end is not None and expr is None:
            return None
        if isinstance(expr, Const) and expr.value < 0 and not lowering.counts_from_behind:
            assert end is not None
            lowering.refuse(
                end, f"an end of a view does not count from behind; write `len(…) - {-expr.value}`"
            )
            return None
        ends.append(expr)
    return Cut(*ends)


def _integer(lowering: Lowering, number: Number, node: ast.expr) -> Expr | None:
    if not number.type.is_integer:
        lowering.mismatch(node, f"an index is an integer, the value is {number.type}")
        return None
    return lowering.convert(number, I64, node, "an index")


def _wrong_count(lowering: Lowering, base: ArrayValue, count: int, node: ast.expr) -> None:
    text = base.array.name
    if isinstance(node, ast.Subscript):
        text = lowering.text(node.value)
    example = ", ".join("ijk"[: base.rank])
    lowering.mismatch(
        node,
        f"`{text}` has {base.rank} dimension{'s' * (base.rank > 1)}, "
        f"{count} ind{'ex' if count == 1 else 'ices'} given; write `{text}[{example}]`",
    )


def _element(
    lowering: Lowering, base: ArrayValue, index: list[Expr], span: Span
) -> tuple[Expr, ...]:
    """The indices in the base array of `base[index]`, checked against the view."""
    view = base.view
    if view is None:
        return tuple(index)
    first, *rest = index
    fixed = (placed(one, span) for one in view.fixed)
    return (*fixed, _along(lowering, base.array, view, first, span), *rest)


def _along(lowering: Lowering, array: Array, view: View, index: Expr, span: Span) -> Expr:
    """The index in the base array of an index along the first axis of a view."""
    if view.extent is not None:
        if not isinstance(index, Leaf):
            index = leaf(lowering, index, span)
        bound = placed(view.extent, span)
        lowering.emit(CheckIndex(array.name, 0, index, bound, lowering.site(), span))
        index = placed(index, span)
    return _sum(view.start, index, span)


def _view(
    lowering: Lowering, base: ArrayValue, parts: list[Part], node: ast.Subscript
) -> ArrayValue | None:
    """A contiguous part: indices, then at most one range, then whole axes."""
    span = lowering.span(node)
    count = next((k for k, part in enumerate(parts) if isinstance(part, Cut)), len(parts))
    cut = parts[count] if count < len(parts) else Cut(None, None)
    behind = parts[count + 1 :]
    if not all(isinstance(part, Cut) and part.is_whole for part in behind):
        text = lowering.text(node)
        lowering.refuse(
            node,
            f"`{text}` is no view, because its elements do not lie side by side; "
            "index them in a loop",
        )
        return None
    assert isinstance(cut, Cut)
    view = base.view or View((), None, None)
    fixed = view.fixed
    start, known = view.start, view.extent
    if count:
        leading = [part for part in parts[:count] if not isinstance(part, Cut)]
        first = _along(lowering, base.array, view, leading[0], span)
        checked = view.extent is not None
        for one in (first, *leading[1:]):
            axis = len(fixed)
            fixed += (leaf(lowering, one, span),)
            if not checked:
                _demand_row(lowering, base.array, axis, fixed[-1], span)
            checked = False
        start = known = None
    if not cut.is_whole:
        inside = ArrayValue(base.array, base.read_only, View(fixed, start, known))
        start, known = _cut(lowering, inside, View(fixed, start, known), cut, span)
    return replace(base, view=View(fixed, start, known))


def _demand_row(lowering: Lowering, array: Array, axis: int, index: Leaf, span: Span) -> None:
    """Check the index of a view along an axis of the array that it leaves out."""
    bound = length(array, axis, span)
    if isinstance(index, Const) and isinstance(bound, Const) and 0 <= index.value < bound.value:
        return
    index = placed(index, span)
    lowering.emit(CheckIndex(array.name, axis, index, bound, lowering.site(), span, is_row=True))


def _cut(
    lowering: Lowering, inside: ArrayValue, view: View, cut: Cut, span: Span
) -> tuple[Leaf | None, Leaf]:
    """The start in the base array and the extent of a range of the first axis of `inside`."""
    whole = extent(inside, 0, span)
    begin = None if cut.start is None else leaf(lowering, cut.start, span)
    end = leaf(lowering, whole if cut.stop is None else cut.stop, span)
    lowering.emit(
        CheckView(
            inside.array.name,
            len(view.fixed),
            Const(0, I64, span) if begin is None else begin,
            end,
            extent(inside, 0, span),
            lowering.site(),
            span,
        )
    )
    if begin is None or (isinstance(begin, Const) and begin.value == 0):
        return view.start, placed(end, span)
    size: Expr
    if isinstance(begin, Const) and isinstance(end, Const) and begin.value <= end.value:
        size = Const(end.value - begin.value, I64, span)
    else:
        size = Binary(BinaryOp.SUB, placed(end, span), placed(begin, span), I64, span)
    moved = _sum(view.start, placed(begin, span), span)
    return leaf(lowering, moved, span), leaf(lowering, size, span)


def _sum(start: Leaf | None, index: Expr, span: Span) -> Expr:
    """`start + index`; what literals decide is computed."""
    if start is None:
        return index
    if isinstance(start, Const) and isinstance(index, Const):
        return Const(I64.wrap(int(start.value + index.value)), I64, span)
    return Binary(BinaryOp.ADD, placed(start, span), index, I64, span)


def placed(expr: Leaf, span: Span) -> Leaf:
    """A leaf as a node of its own at `span`, because facts about nodes are kept by node."""
    return replace(expr, span=span)
