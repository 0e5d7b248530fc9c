"""`async_copy`, `async_commit`, `async_wait`.

    async_copy(tile, (r, c), a, (i, j), 4)        check aligned (r * 32 + c) % 4 of tile
                                                  check aligned (i * a.shape[1] + j) % 4 of a
                                            is    async copy a to tile:
                                                      for k in range(0, 4, 1):
                                                          %1 = load a[i, j + k]
                                                          store tile[r, c + k] = %1

Each element keeps its own bounds. That what is copied is not touched before the thread has waited
is for the provers.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from oxide_analyzer.frontends.oxide import indexing
from oxide_analyzer.frontends.oxide.arguments import literal_integer, positional
from oxide_analyzer.frontends.oxide.values import NOTHING, UNKNOWN, ArrayValue, Unknown
from oxide_analyzer.frontends.oxide.wide import aligned
from oxide_analyzer.ir.nodes import (
    AsyncCommit,
    AsyncCopy,
    AsyncWait,
    Binary,
    BinaryOp,
    Const,
    For,
    Load,
    Ownership,
    Read,
    Space,
    Store,
)
from oxide_analyzer.language.types import I64

if TYPE_CHECKING:
    import ast

    from oxide_analyzer.frontends.oxide.lowering import Lowering
    from oxide_analyzer.frontends.oxide.values import Value
    from oxide_analyzer.ir.nodes import Expr, Local
    from oxide_analyzer.language.builtins import Builtin
    from oxide_analyzer.source import Span

_SIZES = (4, 8, 16)
_MOST_PENDING = 7


def async_copy(lowering: Lowering, node: ast.Call, row: Builtin) -> Value:
    """`async_copy(target, target_index, source, source_index, count)`."""
    arguments = positional(lowering, node, row, 5, 5)
    if arguments is None:
        return UNKNOWN
    to_node, to_index, from_node, from_index, count_node = arguments
    target = _array(lowering, to_node, "copies go to a `SharedArray`", is_target=True)
    there = None
    if target is not None:
        there = indexing.element_parts(lowering, target, to_index, to_index)
    source = _array(lowering, from_node, "copies come from a `Slice`", is_target=False)
    found = None
    if source is not None:
        found = indexing.element_parts(lowering, source, from_index, from_index)
    if target is None or source is None or there is None or found is None:
        return UNKNOWN
    element = source.array.element
    if target.array.element != element:
        return lowering.mismatch(
            node,
            f"`{target.array.name}` holds {target.array.element}, "
            f"`{source.array.name}` holds {element}; a copy converts nothing",
        )
    counts = tuple(size // element.size for size in _SIZES if size % element.size == 0)
    count = literal_integer(lowering, count_node, counts, f"the count of {element}")
    if count is None:
        return UNKNOWN
    span = lowering.span(node)
    targets = aligned(lowering, target, there, count, span)
    sources = aligned(lowering, source, found, count, span)
    # What is checked of views, the first and the last element, stands in front of the copy.
    (origin, _), (to, _) = (
        [indexing.at_offset(lowering, base, held, k, span) for k in (0, count - 1)]
        for base, held in ((source, sources), (target, targets))
    )
    step, loaded = lowering.temporary(I64), lowering.temporary(element)
    body = (
        Load(loaded, source.array.name, _behind(origin, step, count, span), lowering.site(), span),
        Store(
            target.array.name,
            _behind(to, step, count, span),
            Read(loaded, span),
            lowering.site(),
            span,
        ),
    )
    first, stop, by = (Const(number, I64, span) for number in (0, count, 1))
    loop = For(step, first, stop, by, body, span)
    start, place = (
        indexing.unchecked(base, held, span)
        for base, held in ((source, sources), (target, targets))
    )
    inside = (loop,) if count > 1 else body
    made = AsyncCopy(
        source.array.name,
        target.array.name,
        start,
        place,
        count,
        inside,
        lowering.site(),
        span,
    )
    lowering.emit(made)
    return NOTHING


def _behind(place: tuple[Expr, ...], step: Local, count: int, span: Span) -> tuple[Expr, ...]:
    """The element `step` behind `place`, of `count`."""
    if count == 1:
        return place
    *front, last = place
    return (*front, Binary(BinaryOp.ADD, last, Read(step, span), I64, span))


def async_commit(lowering: Lowering, node: ast.Call, row: Builtin) -> Value:
    """`async_commit()`."""
    if positional(lowering, node, row, 0, 0) is None:
        return UNKNOWN
    lowering.emit(AsyncCommit(lowering.site(), lowering.span(node)))
    return NOTHING


def async_wait(lowering: Lowering, node: ast.Call, row: Builtin) -> Value:
    """`async_wait(pending)`."""
    arguments = positional(lowering, node, row, 0, 1)
    if arguments is None:
        return UNKNOWN
    pending: int | None = 0
    if arguments:
        choices = tuple(range(_MOST_PENDING + 1))
        pending = literal_integer(lowering, arguments[0], choices, "how many groups may be pending")
    if pending is None:
        return UNKNOWN
    lowering.emit(AsyncWait(pending, lowering.site(), lowering.span(node)))
    return NOTHING


def _array(
    lowering: Lowering, node: ast.expr, wanted: str, *, is_target: bool
) -> ArrayValue | None:
    """The array that an argument names, of the right kind; None where it was reported."""
    value = lowering.evaluate(node)
    if isinstance(value, Unknown):
        return None
    text = lowering.text(node)
    if not isinstance(value, ArrayValue):
        lowering.mismatch(node, f"{wanted}; `{text}` is no array")
        return None
    array = value.array
    fits = array.space is Space.SHARED if is_target else array.ownership is Ownership.READ_ONLY
    if not fits:
        lowering.mismatch(node, f"{wanted}, which `{text}` is not")
        return None
    return value
