"""Where the numbers of records lie: an array that is a leaf of them steps from record to record.

    load pts.y[i]      is    %1 = getelementptr [8 x i8], ptr %pts, i64 i
                             %2 = getelementptr i8, ptr %1, i64 4
                             load float, ptr %2, align 4
    load pts.v[i, k]         the same, and k times the stride inside of the record

No access says that it is aligned to more than the memory, the size of a record and the places of
the leaf in it allow; what is aligned to less than its size is taken apart by LLVM. Leaves of one
record are read through one pointer, so LLVM can make one access of neighbours.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from oxide_analyzer.language.records import alignment_of
from oxide_codegen.forms import ALIGNMENT
from oxide_codegen.lowering.builder import Value

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from oxide_analyzer.ir.nodes import Array, Part
    from oxide_codegen.lowering.context import Context


def alignment(context: Context, array: Array) -> int:
    """To how many bytes each element of an array is sure to lie aligned."""
    part, size = array.part, array.element.size
    if part is None:
        return size
    start = part.record.alignment
    if context.ordinary:
        start = max(start, ALIGNMENT)
    return min(alignment_of(part.record, part.leaf, start), ALIGNMENT)


def address(
    context: Context,
    array: Array,
    part: Part,
    values: Sequence[Value],
    offset: Callable[[Context, Array, Sequence[Value]], Value],
) -> Value:
    """The address of a number in a record; `offset` counts records."""
    build = context.build
    type_, pointer = context.environment.pointer(array)
    rank, leaf = array.held_rank, part.leaf
    number = offset(context, array, values[:rank])
    record = build.value(
        type_, f"getelementptr [{part.record.size} x i8], {type_} {pointer}, {number}"
    )
    place = Value(str(leaf.offset), "i64")
    for value, stride in zip(values[rank:], leaf.strides, strict=True):
        inside = build.binary("mul", context.resized(value), str(stride))
        place = build.binary("add", inside, place)
    return build.value(type_, f"getelementptr i8, {record}, {place}")
