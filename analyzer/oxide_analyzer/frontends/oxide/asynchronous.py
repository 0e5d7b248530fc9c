"""`async_copy`, `async_commit`, `async_wait`.

    async_copy(tile, (r, c), a, (i, j), 4)        check aligned (r * 32 + c) % 4 of tile
                                                  check aligned (i * a.shape[1] + j) % 4 of a
                                            is    async copy a to tile:
                                                      %1 = load a[i, j]; …
                                                      store tile[r, c] = %1; …

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
    Load,
    Ownership,
    Read,
    Space,
    Store,
)

if TYPE_CHECKING:
    import ast

    from oxide_analyzer.frontends.oxide.lowering import Lowering
    from oxide_analyzer.frontends.oxide.values import Value
    from oxide_analyzer.ir.nodes import Stmt
    from oxide_analyzer.language.builtins import Builtin

_SIZES = (4, 8, 16)
_MOST_PENDING = 7


def async_copy(lowering: Lowering, node: ast.Call, row: Builtin) -> Value:
    """`async_copy(target, target_index, source, source_index, count)`."""
    arguments = positional(lowering, node, row, 5, 5)
    if arguments is None:
        return UNKNOWN
    to_node, to_index, from_node, from_index, count_node = arguments
    target = _array(lowering, to_node, "copies go to a `SharedArray`", is_target=True)
    place = None
    if target is not None:
        place = indexing.element_parts(lowering, target, to_index, to_index)
    source = _array(lowering, from_node, "copies come from a `Slice`", is_target=False)
    found = None
    if source is not None:
        found = indexing.element_parts(lowering, source, from_index, from_index)
    if target is None or source is None or place is None or found is None:
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
    targets = aligned(lowering, target, place, count, span)
    sources = aligned(lowering, source, found, count, span)
    # What is checked for the views stands in front of the copy, which holds accesses alone.
    to = [indexing.at_offset(lowering, target, targets, k, span) for k in range(count)]
    of = [indexing.at_offset(lowering, source, sources, k, span) for k in range(count)]
    locals_ = [lowering.temporary(element) for _ in range(count)]
    body: list[Stmt] = [
        Load(local, source.array.name, index, lowering.site(), span)
        for local, index in zip(locals_, of, strict=True)
    ]
    body += [
        Store(target.array.name, index, Read(local, span), lowering.site(), span)
        for local, index in zip(locals_, to, strict=True)
    ]
    names = source.array.name, target.array.name
    lowering.emit(AsyncCopy(*names, count, tuple(body), lowering.site(), span))
    return NOTHING


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
